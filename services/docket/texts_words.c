/* Every shop, carrier and person here is invented. */
#include "docket/texts_words.h"
#include <stdbool.h>

#define WORDS(...)                                                                                 \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                      \
    }

const Words products[PRODUCT_CLASSES] = {
    [PRODUCT_ANY] = WORDS("蓝牙耳机", "保温杯", "儿童安全座椅", "电动牙刷", "羽绒服", "机械键盘",
                          "双肩包", "护肤套装", "咖啡机", "瑜伽垫", "台灯", "拉杆箱", "婴儿推车",
                          "空气炸锅", "登山鞋", "猫粮", "钢笔礼盒", "四件套", "充电宝", "防晒霜"),
    [PRODUCT_APPLIANCE] = WORDS("变频空调", "对开门冰箱", "滚筒洗衣机", "燃气热水器", "洗碗机",
                                "空气净化器", "油烟机", "电饭煲", "扫地机器人", "液晶电视"),
    [PRODUCT_DEVICE] = WORDS("智能门锁", "智能手表", "家用摄像头", "蓝牙音箱", "智能网关",
                             "温湿度传感器", "智能插座", "投影仪", "儿童手表", "扫地机器人"),
    [PRODUCT_CLOTHES] = WORDS("羊毛大衣", "连衣裙", "牛仔裤", "跑步鞋", "针织衫", "冲锋衣",
                              "童装套装", "西装外套", "羽绒马甲", "真丝衬衫"),
    [PRODUCT_FRESH] = WORDS("大闸蟹礼盒", "车厘子", "冷冻牛排", "鲜奶", "三文鱼", "阳光玫瑰葡萄",
                            "手工水饺", "酸奶", "虾仁", "榴莲果肉"),
    [PRODUCT_BULKY] = WORDS("三人沙发", "实木床", "人体工学椅", "跑步机", "双开门衣柜", "升降书桌",
                            "乳胶床垫", "六人餐桌"),
};
const Words products_english =
    WORDS("wireless earbuds", "down jacket", "robot vacuum", "smart watch", "air fryer",
          "running shoes", "desk lamp", "baby stroller", "coffee maker", "backpack");

const Words openings[TEXT_LANGUAGES] = {
    [TEXT_CHINESE] = WORDS("您好，", "你好，", "客服你好，", "在吗，", "麻烦看一下，", "",
                           "请帮我查一下，", "打扰了，", "又来麻烦你们了，", "各位好，"),
    [TEXT_ENGLISH] =
        WORDS("Hello, ", "Hi there, ", "Hi team, ", "Good morning, ", "", "Dear sir or madam, "),
};
const Words contexts[TEXT_LANGUAGES] = {
    [TEXT_CHINESE] = WORDS("我{d}在店里买的{p}，订单号 {o}，", "订单 {o}，{d}下的单，买的是{p}，",
                           "{d}拍了一件{p}，付了 {a} 元（订单 {o}），", "订单号{o}的{p}，",
                           "给家里老人买的{p}，订单 {o}，", "{p}，{a} 元，订单 {o}，",
                           "我是{t}的买家，{d}买了{p}，单号 {o}，", "活动那天抢的{p}（{o}），"),
    [TEXT_ENGLISH] = WORDS("I ordered a {p} ({o}) on {d} and ", "about order {o}, the {p}: ",
                           "my order {o} for the {p}, {a} in total, placed on {d}. "),
};
const Words general_contexts =
    WORDS("用了你们好几年，", "我是{t}的老顾客，", "今天 {h} 点多，", "{d}开始，", "从昨晚到现在，",
          "换过两部手机都一样，", "帮家里人问，", "说件事，");
const Words demands[TEXT_LANGUAGES] = {
    [TEXT_CHINESE] = WORDS(
        "请尽快处理。", "麻烦今天给个答复。", "希望给一个说法。", "请告诉我下一步怎么做。",
        "已经等了 {n} 天了。", "麻烦帮忙跟进一下。", "能不能快一点？", "请核实后回复我。",
        "家里急用，拜托了。", "我已经催了 {n} 次，一直没人回复。", "不急，方便的时候看看就好。",
        "希望能顺利解决。", "请给我一个准确的时间。", "再拖下去我就不要了。",
        "电话 {f}，上班时间都可以联系。", "真的很失望。", "理解你们忙，但也请理解一下顾客。"),
    [TEXT_ENGLISH] = WORDS("Please look into it.", "Could you let me know what to do next?",
                           "I have been waiting for {n} days.", "Please reply as soon as you can.",
                           "This is rather urgent.", "I expected better from you."),
};
const Words closings[TEXT_LANGUAGES] = {
    [TEXT_CHINESE] = WORDS("谢谢。", "谢谢！", "辛苦了。", "", "", "在线等。", "感谢。", "麻烦了。",
                           "唉。", "祝好。"),
    [TEXT_ENGLISH] = WORDS(" Thanks.", " Thank you!", "", " Best regards.", " Cheers."),
};

const Words carriers = WORDS("极风快递", "云鹿速运", "蓝鲸物流", "青鸟快运", "万里达", "顺路通",
                             "橙鸽配送", "北辰冷运");
const Words towns = WORDS("杭州", "成都", "武汉", "西安", "长沙", "沈阳", "青岛", "昆明", "合肥",
                          "南宁", "兰州", "佛山", "苏州", "哈尔滨");
const Words payments =
    WORDS("储蓄卡", "信用卡", "钱包余额", "分期", "礼品卡", "微信", "银联云闪付");
const Words sizes = WORDS("S", "M", "L", "XL", "170/92A", "36 码", "39 码", "42 码");
const Words coupons =
    WORDS("满 300 减 50", "满 199 减 30", "85 折", "新人立减 20", "品类 9 折", "跨店满 200 减 25");
const Words surnames =
    WORDS("赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩",
          "杨", "朱", "秦", "尤", "许", "何", "吕", "施", "张", "孔", "曹", "严", "华", "金", "魏",
          "陶", "姜", "谢", "邹", "喻", "柏", "水", "窦", "章", "云", "苏", "潘", "葛", "范");
const Words given_names =
    WORDS("子墨", "雨桐", "思远", "若溪", "明轩", "晓彤", "浩宇", "静怡", "俊熙", "佳宁", "文昊",
          "语嫣", "志恒", "梓萱", "天佑", "诗涵", "承泽", "欣妍", "一鸣", "可馨", "建业", "秀兰",
          "国栋", "丽华", "海涛", "春梅", "永强", "玉珍", "小北", "南星", "知夏", "予安");
const Words first_names = WORDS("Alex", "Maria", "John", "Sofia", "Liam", "Emma", "Noah", "Olivia",
                                "Daniel", "Grace", "Henrik", "Yuki");
const Words last_names = WORDS("Example", "Sample", "Testerson", "Placeholder", "Specimen",
                               "Demoline", "Mockford", "Fictive");

const char *const countries[][2] = {{"美国", "us"},   {"英国", "uk"}, {"日本", "jp"},
                                    {"新加坡", "sg"}, {"德国", "de"}, {"澳大利亚", "au"}};
const size_t countries_n = sizeof(countries) / sizeof(*countries);
const char *const home_regions[] = {"华东", "华南", "华北", "华中", "西南", "西北", "东北"};
const size_t home_regions_n = sizeof(home_regions) / sizeof(*home_regions);

const Situation situations[] = {
    /* ---- Logistics ---- */
    {.weight = 12,
     .subjects = WORDS("物流不更新", "{c}一直不动", "快递卡在{t}了", "包裹到哪了"),
     .bodies = WORDS("{c}的运单 {w} 在{t}停了 {n} 天，物流一直没有更新，",
                     "从{d}起快递卡在{t}中转站，再没有动过，",
                     "物流显示派送中已经 {n} 天，快递员电话打不通，",
                     "说好{d}送到，现在还没到，{c}也查不到原因，")},
    {.weight = 8,
     .subjects = WORDS("还不发货", "什么时候发货", "{p}催发货"),
     .bodies = WORDS(
         "付款 {n} 天了还没发货，页面写的是 48 小时内发出，", "到今天都未发货，客服只会让我等，",
         "预计发货时间改了 {n} 次，到底什么时候发货？", "同一天下单的朋友都收到了，我的还不发，")},
    {.weight = 5,
     .kind = "售后",
     .subjects = WORDS("显示签收但没收到货", "包裹丢件", "谁签收了我的{p}"),
     .bodies = WORDS("{c}显示{d}已签收，可我根本没收到货，驿站也没有，",
                     "运单 {w} 显示本人签收，当时我在外地，怀疑被冒领，",
                     "快递公司承认丢件了，让我找你们赔 {a} 元，")},
    {.weight = 5,
     .kind = "售后",
     .subjects = WORDS("收到时已破损", "{p}运输途中摔坏", "箱子烂了"),
     .bodies = WORDS("拆开一看{p}已经摔坏，外箱有一个大洞，照片我拍了 {n} 张，",
                     "包装破损严重，里面磕碰了好几处，{c}不认账，",
                     "收到时箱子压坏了，瓶子漏液，弄得到处都是，")},
    {.weight = 5,
     .subjects = WORDS("想改地址", "地址填错了", "能不能拦截改派"),
     .bodies = WORDS("地址填错了，能不能改派到{t}？包裹还在路上，",
                     "临时出差到{t}，想修改地址，请帮忙拦截，",
                     "收货电话写错一位，请在发货前帮我改一下，新的是 {f}，")},
    {.weight = 4,
     .product = PRODUCT_BULKY,
     .subjects = WORDS("{p}不送货上门", "上楼费怎么算", "预约送装没人来"),
     .bodies =
         WORDS("师傅说大件不肯上楼，要另收 {n}0 元上楼费，下单时写的是送货上门，",
               "预约{d}送装，等了 {h} 个小时没有人来，", "搬运时把墙刮花了，安装师傅说不归他管，")},
    {.weight = 4,
     .product = PRODUCT_FRESH,
     .kind = "售后",
     .subjects = WORDS("{p}收到已经化冻", "生鲜不新鲜", "冰袋都化了"),
     .bodies = WORDS("冷链走了 {n} 天，收到时冰袋全化了，一半不新鲜，",
                     "{c}放在门口一下午没打电话，打开已经化冻，",
                     "一盒里面有 {n} 只死蟹，生鲜不是包赔吗，")},
    /* ---- After-sales ---- */
    {.weight = 8,
     .kind = "售后",
     .subjects = WORDS("退款还没到账", "退款进度", "{a} 元退款去哪了"),
     .bodies =
         WORDS("{d}就退货签收了，{a} 元退款没到，{m}里也没有，", "退款显示成功 {n} 天，还没到账，",
               "申请被拒绝退款，理由是影响二次销售，可我吊牌都没剪，")},
    {.weight = 8,
     .product = PRODUCT_CLOTHES,
     .subjects = WORDS("尺码不合适想换货", "{p}七天无理由退货", "颜色和想的不一样"),
     .bodies =
         WORDS("{s} 穿着太紧，想换大一码，运费险能用吗，", "收到才 {n} 天，想申请七天无理由退货，",
               "颜色不喜欢，想退掉，运费谁出，", "洗了一次就掉色起球，要求退货，")},
    {.weight = 8,
     .subjects = WORDS("{p}质量问题", "用了几天就坏", "{p}有瑕疵"),
     .bodies = WORDS("用了 {n} 天就坏了，怎么都开不了机，", "有明显异味，晾了 {n} 天还在，",
                     "接口处裂了一道缝，属于质量问题吧，", "按键失灵，充不进电，第一次这么倒霉，")},
    {.weight = 6,
     .product = PRODUCT_APPLIANCE,
     .kind = "报修",
     .subjects = WORDS("{p}报修", "{p}坏了要上门", "{p}不启动"),
     .bodies = WORDS("开机 {n} 分钟就异响，像拖拉机，请安排上门维修，",
                     "今天突然不通电了，插座是好的，还在保修期内，",
                     "漏水把地板泡了，师傅来过 {n} 次也没修好这个故障，",
                     "一直不启动，显示 E{n} 故障，")},
    {.weight = 4,
     .kind = "售后",
     .subjects = WORDS("少发了一件", "发错货了", "赠品没有收到"),
     .bodies = WORDS("拍了 {n} 件只收到一件，少发了，", "我要的是 {s}，发错成别的了，",
                     "缺配件，没有说明书和螺丝，装不了，", "页面写着送的赠品没给，")},
    {.weight = 4,
     .subjects = WORDS("刚买就降价", "申请价保", "能补差价吗"),
     .bodies =
         WORDS("{d}买的，今天降价了 {a} 元，可以补差价吗，",
               "价保入口点了没反应，商品页写着 30 天价保，", "直播间便宜 {n}0 块，要求退差价，")},
    {.weight = 4,
     .kind = "咨询",
     .subjects = WORDS("开发票", "发票抬头开错了", "专票什么时候寄"),
     .bodies = WORDS("发票抬头写错了，能不能重开，金额 {a} 元，",
                     "申请了增值税专票，{n} 天没有消息，", "电子发票下载下来是空白的，")},
    {.weight = 5,
     .kind = "咨询",
     .subjects = WORDS("咨询{p}", "{p}怎么选", "什么时候补货"),
     .bodies = WORDS("请问{p}有没有货，{s} 什么时候补货，", "想问一下参数，适合 {n} 岁的孩子用吗，",
                     "请问保修期多久，坏了是寄修还是上门，", "两款{p}怎么选，差 {a} 元差在哪，")},
    /* ---- Cross-border ---- */
    {.weight = 5,
     .abroad = true,
     .subjects = WORDS("清关卡住了", "海关扣了包裹", "清关要什么资料"),
     .bodies = WORDS("寄到{y}的包裹清关 {n} 天没动静，要补什么资料，",
                     "{y}海关说申报金额不对，包裹被海关扣下了，",
                     "身份证上传了 {n} 次都提示失败，清关一直不过，")},
    {.weight = 3,
     .abroad = true,
     .subjects = WORDS("关税谁付", "多收了税费", "进口税怎么退"),
     .bodies = WORDS("下单时写含税，到{y}又让我交 {a} 元关税，", "综合税扣了两份，要求税费退回，",
                     "退货之后进口税还没退，")},
    {.weight = 3,
     .abroad = true,
     .subjects = WORDS("国际运单不更新", "直邮包裹", "转运丢了吗"),
     .bodies = WORDS("国际运单 {w} 离开{t}以后就没有记录，到{y}一般要几天，",
                     "海外仓说没有这单，保税仓又说发了，到底在哪，",
                     "直邮走了 {n}0 天，{y}当地快递说没有收到，")},
    {.weight = 4,
     .language = TEXT_ENGLISH,
     .abroad = true,
     .subjects = WORDS("Where is my parcel", "Held by customs", "Refund for order {o}",
                       "Tracking has stopped"),
     .bodies = WORDS("the tracking has not moved for {n} days. ",
                     "it is held by customs and they ask for an invoice. ",
                     "it arrived broken and I would like a refund. ",
                     "I was charged twice, {a} each time. ",
                     "I got the wrong item and want to return it. ",
                     "was asked to pay import duty of {a} at the door. ")},
    /* ---- Technical ---- */
    {.weight = 4,
     .subjects = WORDS("支付失败但扣款了", "重复扣款", "付不了款"),
     .bodies = WORDS("用{m}支付失败，可是扣了 {a} 元，", "同一单重复扣款 {n} 次，共 {a} 元，",
                     "付款页面一直转圈，{m}也付不了款，")},
    {.weight = 4,
     .general = true,
     .subjects = WORDS("收不到验证码", "无法登录", "想换绑手机"),
     .bodies = WORDS("换了手机以后无法登录，收不到验证码，", "账号被冻结了，说我操作异常，",
                     "忘记密码，找回页面提示 {n} 天后再试，", "旧号码停用了，要换绑手机到 {f}，")},
    {.weight = 3,
     .general = true,
     .subjects = WORDS("APP 闪退", "页面白屏", "更新后打不开"),
     .bodies =
         WORDS("APP 升到 {v} 以后一点购物车就闪退，", "订单页白屏，清了缓存也一样，版本 {v}，",
               "晚上 8 点提交订单提示系统繁忙，刷新 {n} 次都不行，")},
    {.weight = 4,
     .subjects = WORDS("优惠券用不了", "满减没有算", "尾款金额不对"),
     .bodies =
         WORDS("{k} 的优惠券结算时用不了，明明在有效期，", "付尾款的时候没减定金，多付了 {a} 元，",
               "凑了满减，退了一件之后按原价扣，不合理，", "秒杀提交成功，订单却被取消了，")},
    {.weight = 4,
     .product = PRODUCT_DEVICE,
     .has_device = true,
     .kind = "报修",
     .subjects = WORDS("{p}离线", "{p}连不上", "固件升级失败"),
     .bodies =
         WORDS("设备 {e} 每天晚上都离线，路由器重启也没用，", "配网 {n} 次都失败，手机是 2.4G，",
               "固件升到 {v} 之后蓝牙经常断连，", "数据同步失败，停在{d}，")},
    {.weight = 1,
     .general = true,
     .subjects = WORDS("开放平台接口报错", "回调失败", "签名错误"),
     .bodies = WORDS("ERP 对接你们开放平台，{d}开始接口报错，签名错误，",
                     "webhook 回调失败率 {n}0%，影响我们发货，")},
    /* ---- Complaints, and what cannot wait ---- */
    {.weight = 3,
     .kind = "投诉",
     .general = true,
     .subjects = WORDS("投诉客服态度", "踢皮球", "没人处理"),
     .bodies = WORDS("找了 {n} 个客服都在踢皮球，一句话敷衍，", "昨天的客服态度差，直接挂我电话，",
                     "工单转来转去 {n} 天没人处理，忍无可忍，")},
    {.weight = 2,
     .kind = "投诉",
     .subjects = WORDS("怀疑是假货", "{p}不是正品", "防伪查不到"),
     .bodies = WORDS("跟专柜的对比明显不一样，怀疑是假货，", "防伪码查了显示已被查询 {n} 次，",
                     "包装粗糙，没有标签，不是正品吧，")},
    {.weight = 2,
     .kind = "投诉",
     .subjects = WORDS("虚假宣传", "货不对板", "先涨后降"),
     .bodies = WORDS("详情页写全棉，收到是化纤，属于虚假宣传，",
                     "活动先涨后降，截图我都有，多花了 {a} 元，", "实物和图片货不对板，")},
    {.weight = 1,
     .kind = "投诉",
     .subjects = WORDS("要打 12315", "律师函", "向消协反映"),
     .bodies = WORDS("{n} 天内不解决我就打 12315，", "已经向消协反映，也会走退一赔三，",
                     "你们这样我只能曝光，发小红书让大家看看，")},
    {.weight = 1,
     .product = PRODUCT_DEVICE,
     .subjects = WORDS("充电时冒烟", "{p}漏电", "电池鼓包"),
     .bodies = WORDS("昨晚充电时冒烟，差点起火，", "外壳漏电，手被电了一下，",
                     "电池鼓包把后盖顶开了，不敢再用，")},
    {.weight = 1,
     .product = PRODUCT_FRESH,
     .subjects = WORDS("{p}发霉", "吃了拉肚子", "里面有异物"),
     .bodies = WORDS("打开发现发霉，离保质期还有 {n} 个月，", "全家吃完拉肚子，有医院的单据，",
                     "吃到一半发现有异物，照片附上，")},
    {.weight = 1,
     .general = true,
     .subjects = WORDS("账号被盗", "不是我下的单", "接到诈骗电话"),
     .bodies = WORDS("账号{d}异地登录，{a} 元余额没了，不是我下的单，",
                     "有人冒充客服，准确说出我的订单，是不是你们信息泄露，")},
    /* ---- Members, companies, suggestions ---- */
    {.weight = 2,
     .general = true,
     .subjects = WORDS("会员权益", "会员积分没到", "自动续费"),
     .bodies =
         WORDS("会员到期前一天被自动续费 {a} 元，想取消，", "会员积分少了 {n}00，生日礼也没领到，",
               "专属客服排队 {n} 个小时，会员权益在哪里，")},
    {.weight = 1,
     .general = true,
     .subjects = WORDS("公司福利采购", "批量采购{p}", "对公付款"),
     .bodies = WORDS("公司福利想订 {n}00 件，能否对公付款并开专票，",
                     "批量采购 {n}0 台，要含税报价和交期，")},
    {.weight = 2,
     .kind = "建议",
     .general = true,
     .subjects = WORDS("一点建议", "表扬{t}的快递员", "希望增加功能"),
     .bodies = WORDS("建议你们把物流提醒做成可以关的，", "表扬一下{t}的配送小哥，下雨还送上楼，",
                     "希望增加按颜色筛选，找{p}找了 {n} 页，")},
};
const size_t situations_n = sizeof(situations) / sizeof(*situations);
