#!/usr/bin/env bash
# The server and a real Tryton with seeded books on this machine, a connection between them, and a `curl` that pays an
# invoice. Everything is kept in target/demo; delete that folder to start again. Ctrl-C stops both programs.
#
#   PORT=8080 TRYTON_PORT=8000 scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-8080}
tryton_port=${TRYTON_PORT:-8000}
folder=$PWD/target/demo
python=$PWD/target/tryton-venv/bin/python
unibooks=$PWD/target/release/unibooks

echo "This builds the server, and installs what is missing: Postgres and Python with the packages of the system,"
echo "Tryton from PyPI (140 MB) in target/. The first time takes some minutes."
scripts/ensure-postgres.sh
scripts/ensure-tryton.sh
cargo build --release --quiet --locked
mkdir -p "$folder"
chmod 711 "$folder"

pids=()
stop() {
  trap '' INT TERM
  # Tryton first, the last one: its books are in the server's Postgres.
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    kill "${pids[at]}" 2>/dev/null && wait "${pids[at]}" || true
  done
}
trap stop EXIT
trap 'exit 130' INT TERM

# fails FILE MESSAGE: ends with the last line of a log.
fails() {
  echo "error: $2: $(tail -n 1 "$1")" >&2
  exit 1
}

# waits_for PID FILE PATTERN: until a process has printed a line.
waits_for() {
  until grep -qs "$3" "$2"; do
    kill -0 "$1" 2>/dev/null || fails "$2" "a program has ended"
    sleep 0.2
  done
}

"$unibooks" dev --data-dir "$folder/server" --listen "127.0.0.1:$port" >"$folder/server.out" 2>"$folder/server.log" &
server=$!
pids+=("$server")
waits_for "$server" "$folder/server.out" '^commands'
waits_for "$server" "$folder/server.log" 'listening'
# The database, the networks and the sealing key, as `dev` prints them for commands.
eval "$(sed -n 's/^commands *//p' "$folder/server.out")"
export UNIBOOKS_LOG=error

# Tryton keeps its books in the same Postgres, in a database of its own.
export TRYTOND_DATABASE__URI="${DATABASE_URL%/*}/"
TRYTOND_DATABASE__URI=${TRYTOND_DATABASE__URI/#postgres:/postgresql:}
password=$folder/tryton-password
if [ ! -e "$folder/tryton-is-ready" ]; then
  echo "Tryton makes its books, a minute once."
  (umask 077 && printf 'Demo-%s' "$(head -c 12 /dev/urandom | base64)" >"$password")
  psql=$(scripts/ensure-postgres.sh --bindir)/psql
  PGOPTIONS='--client-min-messages=warning' "$psql" --quiet --dbname "$DATABASE_URL" --command 'drop database if exists tryton' --command 'create database tryton'
  "$python" tests/tryton/prepare.py tryton "$(cat "$password")" "$(date -u +%Y)" >"$folder/prepare.log" 2>&1 ||
    fails "$folder/prepare.log" "Tryton has made no books"
  touch "$folder/tryton-is-ready"
fi

# Its standard input ends with this script, and Tryton with it.
TRYTOND_WEB__LISTEN="127.0.0.1:$tryton_port" "$python" tests/tryton/serve.py --verbose --database tryton \
  < <(while kill -0 $$ 2>/dev/null; do sleep 1; done) >"$folder/tryton.log" 2>&1 &
pids+=("$!")
waits_for "$!" "$folder/tryton.log" 'Running on'

# json EXPRESSION: prints what Python makes of the JSON on standard input, `it`.
json() {
  "$python" -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" 2>/dev/null
}

if [ ! -e "$folder/credentials" ]; then
  project=$("$unibooks" project create --name 'Demo with Tryton' --json | json 'it["id"]')
  key=$("$unibooks" api-key create --project "$project" --name Demo --json | json 'it["api_key"]')
  token=$("$unibooks" connection create --project "$project" --label Tryton --provider tryton --login unified \
    --url "http://127.0.0.1:$tryton_port/tryton" --secret-file "$password" --json | json 'it["connection_token"]')
  (umask 077 && printf 'key=%s\ntoken=%s\n' "$key" "$token" >"$folder/credentials")
fi
# shellcheck source=/dev/null
. "$folder/credentials"

get() {
  curl --silent --fail "http://127.0.0.1:$port$1" -H "x-api-key: $key" -H "x-connection-token: $token"
}
echo "The server reads the books of Tryton."
# A customer's invoice in the currency of the books, and the account on which exactly one payment method books.
open_invoice='[i["id"] for i in it["data"] if i["type"] == "ACCOUNTS_RECEIVABLE" and i["currency"] == "USD" and i["balance"] > 1000][0]'
bank='[a["id"] for a in it["data"] if a["account_number"] == "1.1.1"][0]'
until invoice=$(get '/accounting/invoices?status=Open' | json "$open_invoice") &&
  account=$(get '/accounting/accounts?is_payment_account=true' | json "$bank"); do
  kill -0 "$server" 2>/dev/null || fails "$folder/server.log" "the server has ended"
  sleep 0.5
done

cat <<END

The server   http://127.0.0.1:$port/docs
Tryton       http://127.0.0.1:$tryton_port, database tryton, login unified, password $(cat "$password")

Pay a part of an invoice of Tryton:

curl -i http://127.0.0.1:$port/accounting/payments \\
  -H 'x-api-key: $key' \\
  -H 'x-connection-token: $token' \\
  -H 'content-type: application/json' \\
  -d '{"invoice_id": "$invoice", "account_id": "$account", "currency": "USD",
       "total_amount": 1000, "transaction_date": "$(date -u +%Y-%m-%d)"}'

Then see Tryton's own record of it:

curl 'http://127.0.0.1:$port/accounting/payments?remote_data=true&order=desc&limit=1' \\
  -H 'x-api-key: $key' -H 'x-connection-token: $token'

The balance of the invoice follows with the next reading of the books, within 15 minutes.
Ctrl-C stops both.
END
wait "$server"
