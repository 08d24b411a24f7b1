"""Stand-ins for the group robots of DingTalk, WeCom and Feishu and for the SMS gateways of Aliyun and Tencent: what their published
documents say of signatures, clocks, sizes and rates, written with Python's standard library and nothing of ours. Each answers as the
real one does (HTTP 200 for most errors) and keeps what it took."""
import base64
import collections
import hashlib
import hmac
import json
import threading
import time
import urllib.parse
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def mac(key, text):
    return hmac.new(key if isinstance(key, bytes) else key.encode(), text.encode() if isinstance(text, str) else text, hashlib.sha256)


class Refused(Exception):
    """Answered with this JSON and status."""

    def __init__(self, answer, status=200):
        super().__init__(answer)
        self.answer, self.status = answer, status


class StandIn:
    """`with WeCom() as robot: robot.address; robot.taken`. `robot.next(...)` says what happens to the next requests instead: a dict is
    the answer, "vanish" takes the message and hangs up without a word."""

    def __init__(self):
        self.taken, self.seen, self.times, self.lock = [], [], [], threading.Lock()
        self.instead = collections.deque()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with stand_in.lock:
                    stand_in.seen.append(headers)
                    instead = stand_in.instead.popleft() if stand_in.instead else None
                    answer, status = stand_in.decide(path, query, pairs, headers, body, instead)
                if answer is None:
                    self.close_connection = True
                    return
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.host = self.root.removeprefix("http://")
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def decide(self, path, query, pairs, headers, body, instead):
        try:
            if isinstance(instead, dict):
                return instead, 200
            answer = self.take(path, query, pairs, headers, body)
        except Refused as refused:
            return refused.answer, refused.status
        return (None, 0) if instead == "vanish" else (answer, 200)

    def next(self, *answers):
        with self.lock:
            self.instead.extend(answers)

    def keep(self, message):
        self.taken.append(message)
        self.times.append(time.monotonic())

    def within(self, seconds):
        """How many were taken in the last so many seconds."""
        return sum(at > time.monotonic() - seconds for at in self.times)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


# ---- robots -------------------------------------------------------------------------------------------------------------------------

def message_of(body, limit, refusal):
    try:
        text = body.decode("utf-8")
        message = json.loads(text)
    except ValueError:
        raise Refused(refusal) from None
    if len(body) > limit or not isinstance(message, dict):
        raise Refused(refusal)
    return message


class DingTalk(StandIn):
    """open.dingtalk.com, custom robots: 20 messages a minute, then 10 minutes of silence; the signature in the URL, within an hour."""

    def __init__(self, token="ding-token-0001", secret="SECtestsecret0001"):
        super().__init__()
        self.token, self.secret, self.blocked_until = token, secret, 0
        self.address = f"{self.root}/robot/send?access_token={token}"

    def take(self, path, query, pairs, headers, body):
        given = dict(pairs)
        if path != "/robot/send" or given.get("access_token") != self.token:
            raise Refused({"errcode": 300001, "errmsg": "token is not exist"})
        if not headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused({"errcode": 43004, "errmsg": "application/json"})
        if self.secret:
            stamp = given.get("timestamp", "")
            good = base64.b64encode(mac(self.secret, f"{stamp}\n{self.secret}").digest()).decode()
            if not stamp.isdigit() or abs(time.time() * 1000 - int(stamp)) > 3600000 or given.get("sign") != good:
                raise Refused({"errcode": 310000, "errmsg": "sign not match"})
        message = message_of(body, 20000, {"errcode": 460101, "errmsg": "too long, or no JSON"})
        if time.monotonic() < self.blocked_until or self.within(60) >= 20:
            self.blocked_until = max(self.blocked_until, time.monotonic() + 600)
            raise Refused({"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "u", "errcode": 130101,
                           "errmsg": "send too fast, exceed 20 times per minute"})
        if message.get("msgtype") != "markdown":
            raise Refused({"errcode": 400105, "errmsg": "unsupported msgtype"})
        if not message["markdown"].get("title") or not message["markdown"].get("text"):
            raise Refused({"errcode": 40035, "errmsg": "missing title or text"})
        self.keep(message)
        return {"errcode": 0, "errmsg": "ok"}


class WeCom(StandIn):
    """developer.work.weixin.qq.com 99110: the key in the URL, 20 messages a minute, markdown of 4,096 bytes."""

    def __init__(self, key="693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"):
        super().__init__()
        self.key = key
        self.address = f"{self.root}/cgi-bin/webhook/send?key={key}"

    def take(self, path, query, pairs, headers, body):
        if path != "/cgi-bin/webhook/send" or dict(pairs) != {"key": self.key}:
            raise Refused({"errcode": 93000, "errmsg": "invalid webhook url"})
        message = message_of(body, 1 << 20, {"errcode": 40058, "errmsg": "no JSON"})
        if message.get("msgtype") != "markdown":
            raise Refused({"errcode": 40008, "errmsg": "invalid message type"})
        content = message["markdown"].get("content", "")
        if not content:
            raise Refused({"errcode": 44004, "errmsg": "empty content"})
        if len(content.encode()) > 4096:
            raise Refused({"errcode": 45002, "errmsg": "content size out of limit"})
        if self.within(60) >= 20:
            raise Refused({"errcode": 45009, "errmsg": "api freq out of limit"})
        self.keep(message)
        return {"errcode": 0, "errmsg": "ok"}


class Feishu(StandIn):
    """open.feishu.cn, custom bots: signature and seconds in the body, within an hour; 100 a minute and 5 a second; 20 KB."""

    def __init__(self, hook="2f0b1c5e-0001", secret="fs-secret-0001"):
        super().__init__()
        self.hook, self.secret = hook, secret
        self.address = f"{self.root}/open-apis/bot/v2/hook/{hook}"

    def take(self, path, query, pairs, headers, body):
        if path != f"/open-apis/bot/v2/hook/{self.hook}" or query:
            raise Refused({"code": 19001, "msg": "param invalid: incoming webhook access token invalid", "data": {}})
        message = message_of(body, 20 * 1000, {"code": 9499, "msg": "Bad Request", "data": {}})
        if self.secret:
            stamp = message.get("timestamp", "")
            good = base64.b64encode(mac(f"{stamp}\n{self.secret}", b"").digest()).decode()  # the text is the key, the message empty
            if not isinstance(stamp, str) or not stamp.isdigit() or abs(time.time() - int(stamp)) > 3600 or message.get("sign") != good:
                raise Refused({"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time", "data": {}})
        if self.within(60) >= 100 or self.within(1) >= 5:
            raise Refused({"code": 11232, "msg": "frequency limited", "data": {}})
        if message.get("msg_type") != "interactive" or not message["card"]["elements"]:
            raise Refused({"code": 9499, "msg": "Bad Request", "data": {}})
        self.keep(message)
        return {"code": 0, "msg": "success", "data": {}, "StatusCode": 0, "StatusMessage": "success", "Extra": None}


# ---- SMS gateways -------------------------------------------------------------------------------------------------------------------

def quoted(text):
    """RFC 3986."""
    return urllib.parse.quote(text, safe="-_.~")


class Aliyun(StandIn):
    """help.aliyun.com, signature V3 (ACS3-HMAC-SHA256) and SendSms of dysmsapi 2017-05-25; a nonce is good once, a clock for 15 minutes."""

    def __init__(self, key_id="LTAI5tStandIn0001", key_secret="aliyun-secret-0001", sign_name="某某商城"):
        super().__init__()
        self.key_id, self.key_secret, self.sign_name, self.nonces = key_id, key_secret, sign_name, set()
        self.account = {"gateway": "aliyun", "key_id": key_id, "key_secret": key_secret, "sign_name": sign_name, "endpoint": self.root}

    def check_signature(self, path, pairs, headers, body):
        words = headers.get("authorization", "")
        kind, _, rest = words.partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
        if kind != "ACS3-HMAC-SHA256" or set(parts) != {"Credential", "SignedHeaders", "Signature"}:
            raise Refused({"Code": "IncompleteSignature", "Message": "m"}, 400)
        if parts["Credential"] != self.key_id:
            raise Refused({"Code": "InvalidAccessKeyId.NotFound", "Message": "m"}, 404)
        names = parts["SignedHeaders"].split(";")
        wanted = {"host"} | {name for name in headers if name.startswith("x-acs-")} | ({"content-type"} & set(headers) if body else set())
        if names != sorted(names) or not wanted <= set(names):
            raise Refused({"Code": "IncompleteSignature", "Message": "headers"}, 400)
        if headers["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
            raise Refused({"Code": "SignatureDoesNotMatch", "Message": "body"}, 400)
        query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(pairs))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
        canonical = f"POST\n{path}\n{query}\n{lines}\n{parts['SignedHeaders']}\n{headers['x-acs-content-sha256']}"
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        if mac(self.key_secret, text).hexdigest() != parts["Signature"]:
            raise Refused({"Code": "SignatureDoesNotMatch", "Message": "m"}, 400)
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        if abs((datetime.now(timezone.utc) - at).total_seconds()) > 900:
            raise Refused({"Code": "InvalidTimeStamp.Expired", "Message": "m"}, 400)
        if headers["x-acs-signature-nonce"] in self.nonces:
            raise Refused({"Code": "SignatureNonceUsed", "Message": "m"}, 400)
        self.nonces.add(headers["x-acs-signature-nonce"])

    def take(self, path, query, pairs, headers, body):
        self.check_signature(path, pairs, headers, body)
        given = dict(pairs)
        if (headers["x-acs-action"], headers["x-acs-version"]) != ("SendSms", "2017-05-25"):
            raise Refused({"Code": "InvalidAction.NotFound", "Message": "m"}, 404)
        if not given.get("PhoneNumbers", "").isdigit():
            raise Refused({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "m"})
        if given.get("SignName") != self.sign_name:
            raise Refused({"Code": "isv.SMS_SIGNATURE_ILLEGAL", "Message": "m"})
        if not given.get("TemplateCode", "").startswith("SMS_"):
            raise Refused({"Code": "isv.SMS_TEMPLATE_ILLEGAL", "Message": "m"})
        self.keep({**given, "params": json.loads(given.get("TemplateParam", "{}"))})
        return {"Code": "OK", "Message": "OK", "BizId": f"9006{len(self.taken)}^0", "RequestId": "r"}


class Tencent(StandIn):
    """cloud.tencent.com, signature V3 (TC3-HMAC-SHA256) and SendSms of 2021-01-11; a clock is good for 5 minutes."""

    def __init__(self, key_id="AKIDStandIn0001", key_secret="tencent-secret-0001", app_id="1400006666", sign_name="某某商城"):
        super().__init__()
        self.key_id, self.key_secret, self.app_id, self.sign_name = key_id, key_secret, app_id, sign_name
        self.account = {"gateway": "tencent", "key_id": key_id, "key_secret": key_secret, "sign_name": sign_name, "app_id": app_id,
                        "endpoint": self.root}

    @staticmethod
    def error(code):
        return {"Response": {"Error": {"Code": code, "Message": "m"}, "RequestId": "r"}}

    def check_signature(self, path, headers, body):
        kind, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        stamp = headers.get("x-tc-timestamp", "")
        if kind != "TC3-HMAC-SHA256" or set(parts) != {"Credential", "SignedHeaders", "Signature"} or not stamp.isdigit():
            raise Refused(self.error("AuthFailure.InvalidAuthorization"))
        date = datetime.fromtimestamp(int(stamp), timezone.utc).strftime("%Y-%m-%d")
        scope = f"{date}/sms/tc3_request"
        if parts["Credential"] != f"{self.key_id}/{scope}":
            raise Refused(self.error("AuthFailure.SecretIdNotFound"))
        names = parts["SignedHeaders"].split(";")
        if names != sorted(names) or not {"content-type", "host"} <= set(names):
            raise Refused(self.error("AuthFailure.SignatureFailure"))
        lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
        canonical = f"POST\n{path}\n\n{lines}\n{parts['SignedHeaders']}\n{hashlib.sha256(body).hexdigest()}"
        text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = mac(mac(mac("TC3" + self.key_secret, date).digest(), "sms").digest(), "tc3_request").digest()
        if mac(key, text).hexdigest() != parts["Signature"]:
            raise Refused(self.error("AuthFailure.SignatureFailure"))
        if abs(time.time() - int(stamp)) > 300:
            raise Refused(self.error("AuthFailure.SignatureExpire"))

    def take(self, path, query, pairs, headers, body):
        self.check_signature(path, headers, body)
        if (headers.get("x-tc-action"), headers.get("x-tc-version")) != ("SendSms", "2021-01-11") or not headers.get("x-tc-region"):
            raise Refused(self.error("InvalidAction"))
        message = json.loads(body)
        [number] = message["PhoneNumberSet"]
        code = "Ok"
        if message.get("SmsSdkAppId") != self.app_id:
            code = "InvalidParameterValue.SdkAppIdNotExist"
        elif not (number.startswith("+") and number[1:].isdigit()):
            code = "InvalidParameterValue.IncorrectPhoneNumber"
        elif message.get("SignName") != self.sign_name:
            code = "FailedOperation.SignatureIncorrectOrUnapproved"
        elif len(message.get("SessionContext", "")) >= 512:
            raise Refused(self.error("InvalidParameterValue"))
        else:
            self.keep(message)
        return {"Response": {"SendStatusSet": [{"SerialNo": f"5000:{len(self.taken)}", "PhoneNumber": number, "Fee": int(code == "Ok"),
                                                "SessionContext": message.get("SessionContext", ""), "Code": code, "Message": "m",
                                                "IsoCode": "CN"}], "RequestId": "r"}}
