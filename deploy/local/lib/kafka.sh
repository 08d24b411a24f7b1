# shellcheck shell=bash disable=SC2031,SC2034,SC2153  # parts of ../stack share their variables
# kafka -- Apache Kafka in KRaft mode from plain jars: one broker (`kafka`) that is its own controller, or three
# (`kafka-1` to `kafka-3`). Small on purpose: serial collector, 384 MB of heap at most.
#
# To raise the version: change kafka/pom.xml and KAFKA_VERSION, run deploy/local/install, then in the jars' directory
#   LC_ALL=C sha256sum -- *.jar > .../deploy/local/kafka/SHA256SUMS

KAFKA_VERSION=4.1.1
KAFKA_HOME=$(realpath -m -s -- "${DOCKET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/docket}")/kafka-$KAFKA_VERSION

kafka_names() { # REPLY_NAMES
    shape kafka-brokers 1
    if ((REPLY == 3)); then REPLY_NAMES=(kafka-1 kafka-2 kafka-3); else REPLY_NAMES=(kafka); fi
}

# kafka_fetch: the jars, once per user, complete or not at all.
kafka_fetch() {
    local sums=$REPOSITORY/deploy/local/kafka/SHA256SUMS new=$KAFKA_HOME.new
    kafka_fetched && return 0
    mkdir -p -- "$(dirname "$KAFKA_HOME")"
    (
        flock 8 # another clone may be fetching them at this moment
        kafka_fetched && exit 0
        rm -rf -- "$new"
        progress_run "Kafka $KAFKA_VERSION: 下载 fetching 43 MB through Maven" \
            mvn -q -B -f "$REPOSITORY/deploy/local/kafka/pom.xml" dependency:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$new" ||
            fail "Kafka 下载失败 could not be fetched" \
                "Maven must reach its repository; then run deploy/local/install again."
        (cd "$new" && sha256sum --check --quiet --strict "$sums") >&2 ||
            fail "Kafka: 校验和不符 the jars are not the ones of kafka/SHA256SUMS" "They were not installed."
        rm -rf -- "$KAFKA_HOME"
        mv "$new" "$KAFKA_HOME"
    ) 8>"$KAFKA_HOME.lock"
}
kafka_fetched() {
    [[ -d $KAFKA_HOME ]] || return 1
    cmp -s <(cd "$KAFKA_HOME" && printf '%s\n' *.jar | sort) \
        <(awk '{ print $2 }' "$REPOSITORY/deploy/local/kafka/SHA256SUMS" | sort)
}

# The archive of loaded classes belongs to one set of jars and one Java. REPLY is its name; 1 unless it is there and
# younger than the installed Java, which would refuse another's.
kafka_archive_usable() {
    local java
    java=$(readlink -f "$(command -v java)")
    REPLY=$KAFKA_HOME.jsa
    [[ -s $REPLY && $REPLY -nt $java ]]
}

# kafka_archive: lets a broker start once in a directory of its own, and keeps what it had loaded when it ended.
kafka_archive() {
    local archive scratch
    kafka_archive_usable && return 0
    archive=$REPLY
    (
        flock 8
        kafka_archive_usable && exit 0
        scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/docket-archive.XXXXXX")
        progress_run "Kafka: 预热 preparing a quick start" kafka_archive_write "$archive" "$scratch" ||
            say_warning "Kafka 启动会慢一秒 Kafka will start a second later each time; everything else is as it should be"
        rm -rf -- "$scratch"
    ) 8>"$KAFKA_HOME.lock"
}
kafka_archive_write() ( # ARCHIVE SCRATCH
    # shellcheck disable=SC2030,SC2031  # this is a subshell: the scratch directory is a stack's home only here
    DOCKET_HOME=$2
    mkdir -p "$2/kafka/kafka"
    kafka_configure kafka
    /bin/sh -c "$KAFKA_PROGRAM" kafka "$2/kafka/kafka" "$KAFKA_HOME" "$(kafka_uuid)" \
        "$REPOSITORY/deploy/local/kafka/log4j2.xml" -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        "-XX:ArchiveClassesAtExit=$1.new" >"$2/log" 2>&1 &
    for ((tries = 0; tries < 600; tries++)); do
        kafka_ready kafka && break
        kill -0 $! || break
        sleep 0.1
    done
    kill $!
    wait $! || true
    if [[ ! -s $1.new ]]; then
        cat "$2/log"
        exit 1
    fi
    mv "$1.new" "$1"
)

kafka_uuid() { head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=\n'; } # 22 characters of base64url

kafka_brokers() { # host:port[,host:port...]
    local name list=
    kafka_names
    for name in "${REPLY_NAMES[@]}"; do
        port "$name"
        list+=,127.0.0.1:$REPLY
    done
    printf '%s' "${list#,}"
}

# The quorum is the static kind: the dynamic one writes the controllers' ports into the data, and ports may move. After
# SIGKILL a broker is let in again only when its former session has timed out, so that is short (by default 9 s).
kafka_configure() { # NAME
    local name=$1 home=$DOCKET_HOME/kafka/$1 id=1 voters='' count controller other
    [[ $name == kafka ]] || id=${name#kafka-}
    kafka_names
    count=${#REPLY_NAMES[@]}
    for other in "${REPLY_NAMES[@]}"; do
        port "$other-controller"
        if [[ $other == "$name" ]]; then controller=$REPLY; fi
        voters+=,$((count == 1 ? 1 : ${other#kafka-}))@127.0.0.1:$REPLY
    done
    port "$name"
    cat >"$home/server.properties" <<CONF
process.roles=broker,controller
node.id=$id
listeners=PLAINTEXT://127.0.0.1:$REPLY,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$REPLY
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=${voters#,}
log.dirs=$home/data
default.replication.factor=$count
min.insync.replicas=$((count > 1 ? 2 : 1))
offsets.topic.replication.factor=$count
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=$count
transaction.state.log.min.isr=$((count > 1 ? 2 : 1))
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$count
share.coordinator.state.topic.min.isr=$((count > 1 ? 2 : 1))
share.coordinator.state.topic.num.partitions=1
unclean.leader.election.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=$((count > 1 ? 6000 : 3000))
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
message.max.bytes=1048576
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=67108864
CONF
}

# The command that is launched: formats an empty directory, then becomes the broker, so both logs are one.
# shellcheck disable=SC2016  # expanded by the shell that runs it
KAFKA_PROGRAM='
if [ ! -e "$1/data/meta.properties" ]; then
    java -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -cp "$2/*" -Dlog4j2.configurationFile="$4" \
        kafka.tools.StorageTool format --ignore-formatted -t "$3" -c "$1/server.properties" || exit 1
fi
shift_home=$1 shift_jars=$2 shift_log=$4
shift 4
exec java "$@" -cp "$shift_jars/*" -Dlog4j2.configurationFile="$shift_log" kafka.Kafka "$shift_home/server.properties"'

# Only the quick compiler: measured on two cores, a broker is there after 1.8 s instead of 2.5, spends 85 % instead of
# 130 % of a core while it is new and as much later (4,000 single messages/s), for 10 to 15 % less bulk throughput.
# With the class archive it is there after 1.0 s. DOCKET_KAFKA_JVM adds options behind these.
kafka_java_options() { # REPLY_OPTIONS
    local extra=()
    read -r -a extra <<<"${DOCKET_KAFKA_JVM:-}"
    REPLY_OPTIONS=(-Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxDirectMemorySize=128m -Xss512k
        -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Djava.net.preferIPv4Stack=true)
    ! kafka_archive_usable || REPLY_OPTIONS+=("-XX:SharedArchiveFile=$REPLY")
    REPLY_OPTIONS+=("${extra[@]}")
}

kafka_start() { # NAME
    local name=$1 home=$DOCKET_HOME/kafka/$1 other moved=
    command -v java >/dev/null || fail "没有 Java is missing" "deploy/local/install"
    kafka_fetched || kafka_fetch
    mkdir -p -- "$home"
    process_clear_orphans "$name"
    port_settle "$name-controller" || moved=yes
    port_settle "$name" || moved=yes
    if [[ -n $moved ]]; then
        SERVERS_MOVED=yes
        kafka_names
        for other in "${REPLY_NAMES[@]}"; do # they know one another by port
            [[ $other == "$name" ]] || processes_stop 20 "$other"
        done
    fi
    kafka_configure "$name"
    [[ -s $DOCKET_HOME/kafka/cluster-id ]] || kafka_uuid >"$DOCKET_HOME/kafka/cluster-id"
    kafka_java_options
    process_launch "$name" /bin/sh -c "$KAFKA_PROGRAM" kafka "$home" "$KAFKA_HOME" \
        "$(<"$DOCKET_HOME/kafka/cluster-id")" "$REPOSITORY/deploy/local/kafka/log4j2.xml" "${REPLY_OPTIONS[@]}"
}

# A broker is there when it answers a request for metadata and names itself in it.
kafka_ready() { # NAME
    local id=1
    [[ $1 == kafka ]] || id=${1#kafka-}
    port "$1"
    port_taken "$REPLY" || return 1 # kcat waits a whole second before it tries again
    kcat -b "127.0.0.1:$REPLY" -L -J -m 2 2>/dev/null | grep -q "\"id\":$id,\"name\":\"127.0.0.1:$REPLY\"" || return 1
}
