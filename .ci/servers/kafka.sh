#!/usr/bin/env bash
# An Apache Kafka 3.9 broker for the tests of the bridge: KRaft, one process. Prints KAFKA_BROKERS.
#
#     kafka.sh [start | restart | stop]      start does nothing when the broker runs
#
# Jars come from Maven Central into KAFKA_CACHE (outside of the repository); KAFKA_PORT moves the broker.
set -euo pipefail

VERSION=3.9.1
PORT=${KAFKA_PORT:-22290}
CONTROLLER_PORT=$((PORT + 1))
CACHE=${KAFKA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kafka-for-tests}
LIBS=$CACHE/$VERSION/libs
RUN=$CACHE/run-$PORT
PID_FILE=$RUN/broker.pid

listens() { (exec 3<> "/dev/tcp/127.0.0.1/$PORT") 2> /dev/null; }
broker_pid() { [ -f "$PID_FILE" ] && pid=$(cat "$PID_FILE") && kill -0 "$pid" 2> /dev/null && echo "$pid"; }

install() {
  if ! command -v java > /dev/null || ! command -v mvn > /dev/null; then
    apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre-headless maven
  fi
  [ -f "$LIBS/.complete" ] && return
  mkdir -p "$LIBS"
  cat > "$CACHE/$VERSION/pom.xml" << POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version>
  </dependency></dependencies>
</project>
POM
  mvn --quiet --batch-mode -f "$CACHE/$VERSION/pom.xml" dependency:copy-dependencies -DoutputDirectory="$LIBS" -DincludeScope=runtime
  touch "$LIBS/.complete"
}

# A broker that keeps its folder over a restart, and begins anew when it was stopped.
format() {
  [ -f "$RUN/kraft.properties" ] && return
  mkdir -p "$RUN/data"
  cat > "$RUN/kraft.properties" << PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CONTROLLER_PORT
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$CONTROLLER_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$RUN/data
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  local id
  id=$(java -cp "$LIBS/*" kafka.tools.StorageTool random-uuid 2> /dev/null | tail -1)
  java -cp "$LIBS/*" kafka.tools.StorageTool format -t "$id" -c "$RUN/kraft.properties"
}

start() {
  if ! broker_pid > /dev/null; then
    install
    format
    setsid nohup java -Xmx512m -cp "$LIBS/*" kafka.Kafka "$RUN/kraft.properties" > "$RUN/broker.log" 2>&1 < /dev/null &
    echo $! > "$PID_FILE"
  fi
  for _ in $(seq 300); do
    listens && return
    broker_pid > /dev/null || break
    sleep 0.2
  done
  tail -20 "$RUN/broker.log"
  return 1
}

stop() {
  local pid
  pid=$(broker_pid) || return 0
  kill "$pid"
  for _ in $(seq 150); do kill -0 "$pid" 2> /dev/null || return 0; sleep 0.2; done
  kill -9 "$pid"
}

case ${1:-start} in
  start) start >&2 ;;
  restart) { stop && start; } >&2 ;;
  stop) stop >&2; rm -rf "$RUN"; exit ;;
  *) echo "kafka.sh [start | restart | stop]" >&2; exit 2 ;;
esac
echo "KAFKA_BROKERS=127.0.0.1:$PORT"
