#!/usr/bin/env bash
# Checks a bundle of badged's evidence with nothing of badged: bash, openssl 3, sha256sum, jq, awk and the GNU coreutils.
# The format it checks is described in badged's daemon/evidence/README.md. It changes nothing and uses no network.
#
# Exit status: 0 verified, 1 not verified, 2 something that was asked for could not be checked.
set -u
export LC_ALL=C TZ=UTC0
umask 077
shopt -s nullglob dotglob globstar

usage='Usage: verify.sh --key FILE|ed25519:BASE64 [--tsa-ca FILE] [--witness KEY]... [--witness-head FILE] [BUNDLE]

  --key           public key of the box: as text, or a file that holds that text or a PEM
  --tsa-ca        certificates of the timestamping authorities that are trusted, PEM
  --witness       key of a witness that has to have signed the last checkpoint; may be given again
  --witness-head  the latest note of the witness
  BUNDLE          the folder; without it the one in which this file lies

Take the keys from somewhere else than the bundle: the copies in keys/ prove nothing.'

stop() { # what could not be done: nothing was checked
  printf 'verify.sh: %s\n' "$1" >&2
  exit 2
}

# ---------------------------------------------------------------------------------------------------- what was asked

key_argument='' authorities='' head_file='' folder=''
witness_arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --key | --tsa-ca | --witness | --witness-head)
      [ $# -ge 2 ] || stop "$1 needs a value"
      case $1 in
        --key) key_argument=$2 ;;
        --tsa-ca) authorities=$2 ;;
        --witness) witness_arguments+=("$2") ;;
        --witness-head) head_file=$2 ;;
      esac
      shift 2
      ;;
    --help | -h)
      printf '%s\n' "$usage"
      exit 0
      ;;
    --)
      shift
      [ $# -le 1 ] || stop 'one bundle at a time'
      [ $# -eq 0 ] || folder=$1
      break
      ;;
    -*) stop "there is no option $1; --help shows them" ;;
    *)
      [ -z "$folder" ] || stop 'one bundle at a time'
      folder=$1
      shift
      ;;
  esac
done

for tool in openssl sha256sum jq awk basenc cat cut date head mkdir mktemp rm split tail tr wc; do
  command -v "$tool" >/dev/null 2>&1 || stop "could not check: $tool is missing on this machine"
done
absolute() { # path: seen from everywhere
  case $1 in
    /*) printf '%s' "$1" ;;
    *) printf '%s/%s' "$PWD" "$1" ;;
  esac
}

readable() { # option, file
  [ -f "$2" ] && [ -r "$2" ] || stop "could not check: $1: $2 is no file that can be read"
}

if [ -n "$authorities" ]; then
  readable --tsa-ca "$authorities"
  authorities=$(absolute "$authorities")
fi
if [ -n "$head_file" ]; then
  readable --witness-head "$head_file"
  head_file=$(absolute "$head_file")
fi

base64_of_32='^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'
base64_of_33='^[A-Za-z0-9+/]{44}$'
base64_of_68='^[A-Za-z0-9+/]{90}[AEIMQUYcgkosw048]=$'
base64_of_76='^[A-Za-z0-9+/]{101}[AQgw]==$'
whole_number='^(0|[1-9][0-9]{0,15})$'
dash=$'\342\200\224'

# A process costs more than all of these together: what can be done in bash is, and its result is left in REPLY.
alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
declare -A digit=(['=']=0)
for ((index = 0; index < 64; index++)); do digit[${alphabet:index:1}]=$index; done

hex_of() { # canonical base64: its bytes in hex
  local rest=$1 bits hex out=''
  while [ -n "$rest" ]; do
    bits=$((digit[${rest:0:1}] << 18 | digit[${rest:1:1}] << 12 | digit[${rest:2:1}] << 6 | digit[${rest:3:1}]))
    printf -v hex '%06x' "$bits"
    out+=$hex
    rest=${rest:4}
  done
  case $1 in
    *==) out=${out%????} ;;
    *=) out=${out%??} ;;
  esac
  REPLY=$out
}

base64_of() { # hex of whole bytes: base64
  local rest=$1 bits out='' pad=''
  case $((${#rest} / 2 % 3)) in
    1) rest+=0000 pad='==' ;;
    2) rest+=00 pad='=' ;;
  esac
  while [ -n "$rest" ]; do
    bits=$((16#${rest:0:6}))
    out+=${alphabet:bits >> 18:1}${alphabet:bits >> 12 & 63:1}${alphabet:bits >> 6 & 63:1}${alphabet:bits & 63:1}
    rest=${rest:6}
  done
  REPLY=${out:0:${#out}-${#pad}}$pad
}

bytes_of() { # hex: writes its bytes
  local index escapes=''
  for ((index = 0; index < ${#1}; index += 2)); do escapes+="\\x${1:index:2}"; done
  # shellcheck disable=SC2059 # there is nothing in it but escapes
  printf "$escapes"
}

whole_file() { # file without NUL bytes: its content, line feeds at the end included
  REPLY=''
  IFS= read -r -d '' REPLY <"$1"
  return 0
}

write_pem() { # base64 of 32 bytes, file: as an Ed25519 public key (RFC 8410)
  printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' "$1" >"$2"
}

key_id() { # name, algorithm byte in hex, key in hex: as C2SP signed-note has it, in REPLY
  REPLY=$({ printf '%s\n' "$1" && bytes_of "$2$3"; } | sha256sum)
  REPLY=${REPLY:0:8}
}

signed() { # PEM of the key, file, signature: whether it holds
  openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" >/dev/null 2>&1
}

plain() { # text of a stranger, fit for a terminal
  REPLY=${1:0:200}
  REPLY=${REPLY//[^ -~]/?}
}

side_by_side() { # function, arguments: runs it with each of them, some at a time; it leaves its result in a file
  local run=$1 each running=0
  shift
  for each in "$@"; do
    "$run" "$each" &
    running=$((running + 1))
    if [ $running -ge 4 ]; then
      wait
      running=0
    fi
  done
  wait
}

key=''
if [ -n "$key_argument" ]; then
  text=$key_argument
  case $text in
    ed25519:*) ;;
    *)
      readable --key "$text"
      line=$(head -c 200 -- "$text" | tr -d '\000')
      case $line in
        ed25519:*) text=$line ;;
        *)
          line=$(openssl pkey -pubin -in "$text" -pubout -outform DER 2>/dev/null | basenc --base16 -w 0)
          [ -n "$line" ] || stop "--key: $text holds no public key"
          [[ $line =~ ^302A300506032B6570032100([0-9A-F]{64})$ ]] || stop "--key: $text holds no Ed25519 key"
          base64_of "${BASH_REMATCH[1]}"
          text=ed25519:$REPLY
          ;;
      esac
      ;;
  esac
  key=${text#ed25519:}
  [[ $key =~ $base64_of_32 ]] || stop '--key: this is no Ed25519 public key; it looks like ed25519:BASE64'
  hex_of "$key"
  key_hex=$REPLY
fi

witness_names=() witness_ids=() witness_keys=()
for text in ${witness_arguments[@]+"${witness_arguments[@]}"}; do
  if [ -f "$text" ]; then text=$(head -c 500 -- "$text" | tr -d '\000'); fi
  name=${text%%+*} rest=${text#*+}
  id=${rest%%+*} typed=${rest#*+}
  [[ -n $name && $id =~ ^[0-9a-f]{8}$ && $typed =~ $base64_of_33 ]] || stop '--witness: this is no key of a witness; it looks like NAME+ID+BASE64'
  hex_of "$typed"
  typed_hex=$REPLY
  [ "${typed_hex:0:2}" = 04 ] || stop '--witness: this key is not one for cosignatures'
  key_id "$name" 04 "${typed_hex:2}"
  [ "$REPLY" = "$id" ] || stop '--witness: the id does not belong to the key'
  base64_of "${typed_hex:2}"
  witness_names+=("$name") witness_ids+=("$id") witness_keys+=("$REPLY")
done

if [ -z "$folder" ]; then
  case ${BASH_SOURCE[0]} in
    */*) folder=${BASH_SOURCE[0]%/*} ;;
    *) folder=. ;;
  esac
fi
cd -- "$folder" 2>/dev/null || stop "could not check: $folder is no folder that can be read"

# ------------------------------------------------------------------------------------------------------- verdicts

declare -A verdict=([INTEGRITY]='' [TIME]='' [UNIQUENESS]='' [CAUSE]='') words=() asked=()
asked[INTEGRITY]=yes
[ -n "$authorities" ] && asked[TIME]=yes
[ ${#witness_names[@]} -gt 0 ] || [ -n "$head_file" ] && asked[UNIQUENESS]=yes
details=()

say() { # verdict, answer, words: the worse answer stays, and of one kind all words
  local name=$1 answer=$2 text=$3
  local -A weight=([verified]=1 ['could not check']=2 ['not verified']=3)
  local before=${verdict[$name]:-}
  if [ -z "$before" ] || [ "${weight[$answer]}" -gt "${weight[$before]}" ]; then
    verdict[$name]=$answer
    words[$name]=$text
  elif [ "$answer" = "$before" ]; then
    [ ${#words[$name]} -gt 600 ] || words[$name]+="; $text"
  fi
}

broken() { say INTEGRITY 'not verified' "$1"; }

failed='' # file that names a program which was killed, or did not run
ended() { # status, program: what was killed has found neither right nor wrong
  [ "$1" -lt 126 ] || printf '%s' "$2" >"$failed"
  return "$1"
}

report() {
  local name status=0
  if [ -n "$failed" ] && [ -s "$failed" ]; then stop "could not check: $(cat "$failed") was stopped before it was done"; fi
  for name in INTEGRITY TIME UNIQUENESS CAUSE; do
    [ -n "${verdict[$name]}" ] || say "$name" 'could not check' 'it rests on INTEGRITY, which failed'
    printf '%-11s %s: %s\n' "$name" "${verdict[$name]}" "${words[$name]//[^ -~]/?}"
    case ${verdict[$name]} in
      'not verified') status=1 ;;
      'could not check') [ -z "${asked[$name]:-}" ] || [ $status -eq 1 ] || status=2 ;;
    esac
  done
  for name in ${details[@]+"${details[@]}"}; do printf '%s\n' "$name"; done
  exit $status
}

give_up() { # INTEGRITY is broken, and nothing behind it can be read
  broken "$1"
  report
}

# ---------------------------------------------------------------------------------------------- INTEGRITY: the files

# Nothing but plain files in plain folders is read: no link out of the bundle, no pipe that would never end.
file_names=()
may_hold() { # path: whether a bundle has files of such a name
  [ ${#1} -le 140 ] || return 1
  case $1 in
    manifest.json | log/records.jsonl | report.pdf | verify.sh | LEESMIJ.md | LISEZMOI.md | SHA256SUMS | SHA256SUMS.sig | keys/log.key) ;;
    checkpoints/*) [[ ${1#*/} =~ ^[1-9][0-9]*\.(ckpt|[1-9][0-9]*\.(tsr|cosig))$ ]] ;;
    proofs/*) [[ ${1#*/} =~ ^(inclusion|consistency)-[1-9][0-9]*-[1-9][0-9]*$ ]] ;;
    keys/*) [[ ${1#*/} =~ ^(tsa-[1-9][0-9]*\.pem|witness-[1-9][0-9]*\.key)$ ]] ;;
    external/*) [[ ${1#*/} =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] ;;
    *) return 1 ;;
  esac
}
for name in **; do
  plain "$name"
  if [ -L "$name" ]; then give_up "$REPLY is a symbolic link"; fi
  if [ -d "$name" ]; then
    [ -r "$name" ] && [ -x "$name" ] || stop "could not check: the folder $REPLY cannot be read"
    continue
  fi
  [ -f "$name" ] || give_up "$REPLY is no plain file"
  may_hold "$name" || give_up "there is a file too many: $REPLY"
  [ -r "$name" ] || stop "could not check: $REPLY cannot be read"
  case $name in SHA256SUMS | SHA256SUMS.sig) ;; *) file_names+=("$name") ;; esac
done
for name in SHA256SUMS manifest.json log/records.jsonl; do
  [ -f "$name" ] || give_up "$name is missing"
done

hash_files() { # files: their hashes as sha256sum writes them
  while [ $# -gt 0 ]; do
    sha256sum -- "${@:1:2000}" || return 1
    shift $(($# < 2000 ? $# : 2000))
  done
}

# The hashes come before all that needs openssl or jq: of files that are not those of the list nothing else is worth a look.
sums=$(hash_files "${file_names[@]}" 2>/dev/null && printf x) || stop 'could not check: a file of the bundle cannot be read'
sums=${sums%x}
# No more of the list than can be right is taken into memory.
listed='' room=$((${#sums} + 65536))
if IFS= read -r -d '' -n $room listed <SHA256SUMS; then
  [ ${#listed} -lt $room ] && give_up 'SHA256SUMS has a NUL byte'
  give_up 'SHA256SUMS lists far more files than there are'
fi
if [ "$listed" != "$sums" ]; then
  # Both are sorted: the first three files that are not as they are listed.
  mapfile -t here <<<"${sums%$'\n'}"
  mapfile -t list <<<"${listed%$'\n'}"
  told=() at=0 next=0
  while [ ${#told[@]} -lt 3 ] && [ $((at < ${#here[@]} || next < ${#list[@]})) -eq 1 ]; do
    is=${here[at]:-} wanted=${list[next]:-}
    if [ "$is" = "$wanted" ]; then
      at=$((at + 1)) next=$((next + 1))
    elif [ $next -lt ${#list[@]} ] && [[ ! $wanted =~ ^[0-9a-f]{64}\ \ [^[:cntrl:]]+$ ]]; then
      told+=("its line $((next + 1)) is not as sha256sum writes it") next=$((next + 1))
    elif [ -n "$is" ] && [ "${is:66}" = "${wanted:66}" ]; then
      told+=("changed: ${is:66}") at=$((at + 1)) next=$((next + 1))
    elif [ -z "$is" ] || [[ $next -lt ${#list[@]} && "${wanted:66}" < "${is:66}" ]]; then
      told+=("listed but not there: ${wanted:66:140}") next=$((next + 1))
    else
      told+=("not listed: ${is:66}") at=$((at + 1))
    fi
  done
  [ ${#told[@]} -gt 0 ] || told=('its last line does not end as it has to')
  printf -v what '%s; ' "${told[@]}"
  give_up "the files are not those of SHA256SUMS (${what%; })"
fi

# ------------------------------------------------------------------------------------------- INTEGRITY: the signature

case $(openssl version 2>/dev/null) in
  'OpenSSL '[3-9].*) ;;
  *) stop 'could not check: openssl 3 or newer is needed' ;;
esac
work=$(mktemp -d) || stop 'could not check: no folder for temporary files'
trap 'rm -rf -- "$work"' EXIT
trap 'exit 2' HUP INT TERM
failed=$work/failed
for tool in openssl jq awk sha256sum basenc split cut wc; do eval "$tool() { command $tool \"\$@\"; ended \$? $tool; }"; done
mkdir "$work/lines" "$work/leaves" "$work/notes" "$work/nodes" "$work/signatures" "$work/times"
for index in ${witness_keys[@]+"${!witness_keys[@]}"}; do write_pem "${witness_keys[index]}" "$work/witness-$index.pem"; done
check_sums() { # whose key it is: a bundle whose key was lost has no signature as a whole; its checkpoints have theirs
  [ ! -f SHA256SUMS.sig ] || { [ "$(wc -c <SHA256SUMS.sig)" -eq 64 ] && signed "$work/key.pem" SHA256SUMS SHA256SUMS.sig; } ||
    give_up "SHA256SUMS is not signed by $1"
}
whose='the key that was given'
if [ -n "$key" ]; then
  write_pem "$key" "$work/key.pem"
  openssl pkey -pubin -in "$work/key.pem" -noout 2>/dev/null || stop '--key: this is no Ed25519 public key'
  check_sums 'the key that was given'
fi
texts=(SHA256SUMS manifest.json log/records.jsonl checkpoints/*.ckpt checkpoints/*.cosig proofs/*)
[ "$(cat -- "${texts[@]}" | tr -dc '\000' | wc -c)" -eq 0 ] || give_up 'a text has a NUL byte'
declare -A unused=() sum_of=()
while read -r sum name; do
  sum_of[$name]=$sum
  case $name in checkpoints/* | proofs/*) unused[$name]=1 ;; esac
done <<<"${sums%$'\n'}"

# ------------------------------------------------------------------------------------- INTEGRITY: manifest and records

# jq 1.6 writes DEL as an escape, RFC 8785 does not. Escape by escape, for a doubled backslash begins none; and put together
# by hand, for of backslashes in what gsub puts in every awk has its own idea.
unescape_del='!/\\/ { print; next }
{
  done = ""
  while (match($0, /\\./)) {
    is_del = substr($0, RSTART, 6) == "\\u007f"
    done = done substr($0, 1, RSTART - 1) (is_del ? "\177" : substr($0, RSTART, 2))
    $0 = substr($0, RSTART + (is_del ? 6 : 2))
  }
  print done $0
}'
# Adding 0 makes newer versions of jq forget how a number was written.
canonical='walk(if type == "number" then . + 0 else . end)'
definitions='
  def int: type == "number" and floor == . and . <= 9007199254740991 and . >= -9007199254740991 and tojson != "-0";
  def nat: int and . >= 0;
  def text: type == "string";
  def hash: type == "string" and test("\\A[0-9a-f]{64}\\z");
  def flag: type == "boolean";
  def maybe(f): . == null or f;
  def only($names): type == "object" and keys == $names;
  def cell: if . == null then "-" elif text and startswith("-") then "-" + . else tostring end;'

one_document=$(jq -c -s 'length' manifest.json 2>/dev/null)
[ "$one_document" = 1 ] || give_up 'manifest.json is not one JSON document'
jq -c -S "$canonical" manifest.json 2>/dev/null | awk "$unescape_del" >"$work/manifest"
[ "$(sha256sum <"$work/manifest")" = "$({ cat manifest.json && printf '\n'; } | sha256sum)" ] || give_up 'manifest.json is not canonical JSON'
jq -r "$definitions"'
  def name($kind): type == "string" and test("\\A[1-9][0-9]{0,15}\\.[1-9][0-9]{0,2}\\." + $kind + "\\z");
  def list(f): type == "array" and all(.[]; f);
  if only(["checkpoints", "first", "format", "key", "made", "origin", "size", "version", "windows"])
    and .format == 1 and (.origin | text) and (.key | text) and (.first | nat) and (.size | nat) and (.made | nat)
    and (.version | text) and (.windows | list(text)) and ((.windows | unique | length) == (.windows | length))
    and (.checkpoints | list(only(["cosignatures", "size", "tokens"]) and (.size | nat)
      and (.tokens | list(name("tsr"))) and (.cosignatures | list(name("cosig")))))
  then
    ["manifest", .origin, .key, .first, .size, .made],
    (.checkpoints[] | ["checkpoint", .size], (.size as $size | (.tokens[] | ["token", $size, .]), (.cosignatures[] | ["cosignature", $size, .]))),
    (.windows[] | ["window", .])
  else ["bad"] end | @tsv' manifest.json >"$work/manifest.tsv" 2>/dev/null || give_up 'manifest.json is not of this format'

origin='' first=0 size=0 made=0
sizes=() token_sizes=() token_files=() cosignature_sizes=() cosignature_files=()
: >"$work/windows"
while IFS=$'\t' read -r what one two three four five; do
  case $what in
    manifest) origin=$one manifest_key=$two first=$three size=$four made=$five ;;
    checkpoint) sizes+=("$one") ;;
    token) token_sizes+=("$one") token_files+=("checkpoints/$two") ;;
    cosignature) cosignature_sizes+=("$one") cosignature_files+=("checkpoints/$two") ;;
    window) printf '%s\n' "$one" >>"$work/windows" ;;
    *) give_up 'manifest.json is not of this format' ;;
  esac
done <"$work/manifest.tsv"
[[ $origin =~ ^badged/([0-9a-f]{16})/([1-9][0-9]{0,8})$ ]] || give_up 'the origin is none of badged'
fingerprint=${BASH_REMATCH[1]} epoch=${BASH_REMATCH[2]}
[[ $manifest_key =~ $base64_of_32 ]] || give_up 'the key in manifest.json is none'
hex_of "$manifest_key"
manifest_key_hex=$REPLY
[ "$(bytes_of "$manifest_key_hex" | sha256sum | cut -c1-16)" = "$fingerprint" ] || give_up 'the origin is not that of the key in manifest.json'
if [ -n "$key" ]; then
  [ "$manifest_key" = "$key" ] || give_up 'manifest.json names another key than the one that was given'
else
  # What does not even fit the key that it brings itself is broken, whosever it is.
  key_hex=$manifest_key_hex whose='the key in it'
  write_pem "$manifest_key" "$work/key.pem"
  check_sums "$whose"
  say INTEGRITY 'could not check' 'no --key was given: everything fits the key in the bundle, and that proves nothing'
fi
[ ${#sizes[@]} -gt 0 ] || give_up 'there is no checkpoint'
before=0
for each in "${sizes[@]}"; do
  [ "$each" -gt "$before" ] || give_up 'the checkpoints are not in order'
  before=$each
done
[ "$before" = "$size" ] || give_up 'the last checkpoint is not over the last record'
[ "$first" -lt "$size" ] || give_up 'there are no records'

check_list() { # size, file, count so far: files are numbered from 1
  [[ $2 == "checkpoints/$1.$3."* ]] || give_up "$2 is not numbered as it should be"
  [ -f "$2" ] || give_up "$2 is missing"
  unset "unused[$2]"
}
number=0 before=''
for index in "${!token_files[@]}"; do
  if [ "${token_sizes[index]}" = "$before" ]; then number=$((number + 1)); else number=1; fi
  before=${token_sizes[index]}
  check_list "$before" "${token_files[index]}" "$number"
done
number=0 before=''
for index in "${!cosignature_files[@]}"; do
  if [ "${cosignature_sizes[index]}" = "$before" ]; then number=$((number + 1)); else number=1; fi
  before=${cosignature_sizes[index]}
  check_list "$before" "${cosignature_files[index]}" "$number"
done

records=log/records.jsonl
jq -c -S "$canonical" "$records" 2>/dev/null | awk "$unescape_del" >"$work/records" || give_up 'a record is not JSON'
[ "$(sha256sum <"$work/records")" = "$(sha256sum <"$records")" ] || give_up 'a record is not canonical JSON'
jq -r "$definitions"'
  def interval: type == "array" and length == 2 and all(.[]; maybe(nat)) and (.[0] == null or .[1] == null or .[0] <= .[1]);
  def entry($more): only((["bytes", "entry", "sha256", "window"] + $more) | sort) and (.window | text) and (.entry | nat) and (.sha256 | hash) and (.bytes | nat);
  def among($names): . as $it | text and any($names[]; . == $it);
  def state: among(["unsynchronised", "synchronised", "holdover", "untrusted"]);
  def layers: only(["anchors", "box", "dns", "firstHop", "lan", "link", "otherChannel", "power", "service", "token"]) and all(.[]; text);
  def data($kind):
    if $kind == "epoch" then only(["format", "key", "origin", "previous", "reason"]) and .format == 1 and (.origin | text) and (.key | text)
      and (.previous | maybe(only(["origin", "root", "size"]) and (.origin | text) and (.root | hash) and (.size | nat)))
      and (.reason | among(["first-start", "rollback", "log-damaged", "key-changed"]))
    elif $kind == "start" then only(["configuration", "version"]) and (.version | text) and (.configuration | hash)
    elif $kind == "stop" then only(["reason"]) and (.reason | text)
    elif $kind == "configuration" then only(["sha256"]) and (.sha256 | hash)
    elif $kind == "sample" then only(["cause", "layers", "whole"]) and (.cause | maybe(text)) and (.whole | flag) and (.layers | layers)
    elif $kind == "window" then only(["cause", "change", "end", "exemption", "id", "start"]) and (.id | text) and (.cause | text) and (.exemption | text)
      and (.change | among(["opened", "reopened", "cause-changed", "gap", "closed"])) and (.start | interval) and (.end | maybe(interval))
    elif $kind == "clock-step" then only(["kind", "ms"]) and (.kind | text) and (.ms | maybe(int))
    elif $kind == "clock-state" then only(["from", "reason", "to"]) and (.from | state) and (.to | state) and (.reason | text)
    elif $kind == "synchronisation" then only(["boundUs", "falseTickers", "id", "offsetUs", "servers"]) and (.id | text) and (.offsetUs | int)
      and (.boundUs | nat) and (.servers | nat) and (.falseTickers | nat)
    elif $kind == "heartbeat-gap" then only(["boot", "ended", "fromWall", "toWall"]) and (.boot | text) and (.ended | flag) and (.fromWall | nat) and (.toWall | nat)
    elif $kind == "note" or $kind == "attachment" then entry([])
    elif $kind == "attempt" then entry(["worked"]) and (.worked | flag)
    elif $kind == "scans" then only(["delayed", "registered", "window", "withheld"]) and (.window | text) and (.delayed | nat) and (.withheld | nat) and (.registered | nat)
    elif $kind == "anchor" then only(["by", "checkpoint", "sha256", "size", "type"]) and (.type | among(["rfc3161", "witness"])) and (.size | nat)
      and (.checkpoint | hash) and (.sha256 | hash) and (.by | text)
    elif $kind == "torn" then only(["dropped"]) and (.dropped | nat)
    elif $kind == "rollback" then only(["had", "size", "witness"]) and (.witness | text) and (.size | nat) and (.had | nat)
    elif $kind == "erased" then only(["before", "samples"]) and (.samples | nat) and (.before | nat)
    else false end;
  if only(["erased", "hash", "leaf", "seq"]) then
    if .erased == true and (.hash | hash) and (.leaf | hash) and (.seq | nat) then [.seq, "-", .hash, .leaf] else ["bad"] end
  elif only(["boot", "data", "err", "kind", "mono", "p", "seq", "state", "v", "wall"]) and .v == 1 and (.seq | nat) and (.p | hash)
    and (.wall | nat) and (.mono | nat) and (.err | maybe(nat)) and (.state | state) and (.kind | text)
    and (.boot | text and test("\\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\z"))
    and (.kind as $kind | .data | data($kind))
  then [.seq, .kind, .p, (.err | cell), .wall] + (.kind as $kind | .data |
    if $kind == "sample" then [(.cause | cell), (if .whole then 1 else 0 end), .layers.box, .layers.link, .layers.lan, .layers.firstHop, .layers.dns, .layers.anchors, .layers.service, .layers.token, .layers.otherChannel]
    elif $kind == "window" then [.id, .change, (.cause | cell), .exemption, (.start[] | cell)] + (if .end == null then ["none", "none"] else [(.end[] | cell)] end)
    elif $kind == "anchor" then [.type, .size, .checkpoint, .sha256]
    elif $kind == "epoch" then [.origin, .key, .reason, (if .previous == null then "alone" else "after" end)]
    else [] end)
  else ["bad"] end | @tsv' "$records" >"$work/records.tsv" 2>/dev/null || give_up 'a record is not of this format'

# A line and its leaf as files of their own, so that one run of sha256sum takes them all.
[ "$(awk 'BEGIN { printf "%c", 0 }' | wc -c)" -eq 1 ] || stop 'could not check: the awk of this machine writes no NUL byte'
awk -v ORS='' -v lines="$work/lines/" -v leaves="$work/leaves/" '{
  if (length($0) > 65536) { exit 3 }
  name = sprintf("%08d", NR)
  print $0 >(lines name); close(lines name)
  printf "%c", 0 >(leaves name); print $0 >(leaves name); close(leaves name)
}' "$records"
case $? in
  0) ;;
  3) give_up 'a record is too long' ;;
  *) stop 'could not check: no room for temporary files' ;;
esac
count=$(wc -l <"$records")
[ "$count" -eq $((size - first)) ] || give_up "there are $count records where $((size - first)) are announced"
(cd "$work/lines" && hash_files *) | cut -c1-64 >"$work/line-hashes"
(cd "$work/leaves" && hash_files *) | cut -c1-64 >"$work/leaf-hashes"
awk -F '\t' -v first="$first" -v leaves="$work/leaf-hashes" -v hashes="$work/line-hashes" '
  {
    getline leaf < leaves; getline hash < hashes; hash = hash ""
    if ($1 == "bad") { print "bad the record at place " NR " is not of this format"; exit }
    if ($1 != sprintf("%.0f", first + NR - 1)) { print "bad the records are not numbered without a gap at place " NR; exit }
    if ($2 == "-") { hash = $3 ""; leaf = $4 }
    else if (first + NR == 1) { if ($3 !~ /^0+$/) { print "bad the first record follows another"; exit } }
    else if (NR > 1 && $3 != previous) { print "bad record " $1 " does not follow the one before it"; exit }
    if ((first + NR == 1) != ($2 == "epoch")) { print "bad an epoch begins at record " $1 " or does not where it has to"; exit }
    previous = hash
    print leaf
  }' "$work/records.tsv" >"$work/leaf-list"
mapfile -t leaves <"$work/leaf-list"
for each in ${leaves[@]+"${leaves[@]: -1}"}; do
  [[ $each == 'bad '* ]] && give_up "${each#bad }"
done
# A bundle that names no window means all of them.
[ -s "$work/windows" ] || awk -F '\t' '$2 == "window" && !($6 in seen) { seen[$6] = 1; print $6 }' "$work/records.tsv" >"$work/windows"
[ "${#leaves[@]}" -eq "$count" ] || give_up 'the records cannot be read'
epoch_reason=''
if [ "$first" -eq 0 ]; then
  IFS=$'\t' read -r _ _ _ _ _ epoch_origin epoch_key epoch_reason epoch_place <"$work/records.tsv"
  [ "$epoch_origin" = "$origin" ] && [ "$epoch_key" = "$manifest_key" ] || give_up 'the first record is that of another log'
  [ "$epoch_reason" != first-start ] || [ "$epoch $epoch_place" = '1 alone' ] || give_up 'the reason of the epoch does not fit its number'
fi

# ------------------------------------------------------------------------------------------- INTEGRITY: checkpoints

check_signature() { # size of a checkpoint
  if signed "$work/key.pem" "$work/notes/$1" "$work/signatures/$1"; then : >"$work/signatures/$1.holds"; fi
}

key_id "$origin" 01 "$key_hex"
log_id=$REPLY
declare -A root_of=() text_hash=()
for each in "${sizes[@]}"; do
  file=checkpoints/$each.ckpt
  [ -f "$file" ] || give_up "$file is missing"
  unset "unused[$file]"
  whole_file "$file"
  [ ${#REPLY} -lt 2000 ] || give_up "$file is no checkpoint"
  mapfile -t lines <<<"${REPLY%$'\n'}"
  [ "${#lines[@]}" -eq 5 ] || give_up "$file is no checkpoint"
  text=${lines[0]}$'\n'${lines[1]}$'\n'${lines[2]}$'\n'
  [ "$text"$'\n'"${lines[4]}"$'\n' = "$REPLY" ] || give_up "$file is no checkpoint"
  [ "${lines[0]}" = "$origin" ] && [ "${lines[1]}" = "$each" ] && [[ ${lines[2]} =~ $base64_of_32 ]] || give_up "$file is a checkpoint of something else"
  signature=${lines[4]#"$dash $origin "}
  [ "${lines[4]}" = "$dash $origin $signature" ] && [[ $signature =~ $base64_of_68 ]] || give_up "$file is not signed in the name of its origin"
  hex_of "${lines[2]}"
  root_of[$each]=$REPLY
  printf '%s' "$text" >"$work/notes/$each"
  hex_of "$signature"
  [ "${REPLY:0:8}" = "$log_id" ] || give_up "$file is not signed by the key of the log"
  bytes_of "${REPLY:8}" >"$work/signatures/$each"
done
side_by_side check_signature "${sizes[@]}"
for each in "${sizes[@]}"; do
  [ -f "$work/signatures/$each.holds" ] || give_up "checkpoints/$each.ckpt is not signed by $whose"
done
while read -r sum name; do text_hash[$name]=$sum; done < <(cd "$work/notes" && hash_files "${sizes[@]}")

# ------------------------------------------------------------------------------------------- INTEGRITY: the tree

# Jobs are chains of node hashes (RFC 6962 section 2.1). They advance together, one run of sha256sum a round.
job_at=() job_steps=() job_want=() job_what=()
add_job() { # what it proves, hash wanted, hash to begin with, steps: L<hash> or R<hash>, the side on which it stands
  job_what+=("$1") job_want+=("$2") job_at+=("$3") job_steps+=("${4# }")
}

round=0
hash_nodes() { # pairs on standard input, 128 hex digits each: the hash of each node
  round=$((round + 1))
  awk '{ print "01" toupper($0) }' | basenc --base16 -d -i | split -b 65 -a 7 -d - "$work/nodes/$round." || stop 'could not check: no room for temporary files'
  (cd "$work/nodes" && hash_files "$round".*) | cut -c1-64
}

run_jobs() {
  local index step active rest
  while :; do
    active=() pairs=()
    for index in "${!job_at[@]}"; do
      [ -n "${job_steps[index]}" ] || continue
      step=${job_steps[index]%% *}
      rest=${job_steps[index]#"$step"}
      job_steps[index]=${rest# }
      if [ "${step:0:1}" = L ]; then
        pairs+=("${step:1}${job_at[index]}")
      else
        pairs+=("${job_at[index]}${step:1}")
      fi
      active+=("$index")
    done
    [ ${#active[@]} -gt 0 ] || break
    printf '%s\n' "${pairs[@]}" >"$work/pairs"
    hash_nodes <"$work/pairs" >"$work/hashed"
    mapfile -t hashed <"$work/hashed"
    for index in "${!active[@]}"; do job_at[active[index]]=${hashed[index]}; done
  done
  for index in "${!job_at[@]}"; do
    [ "${job_at[index]}" = "${job_want[index]}" ] || broken "${job_what[index]}"
  done
}

read_proof() { # file: its hashes in `proof`
  [ -f "$1" ] || give_up "$1 is missing"
  unset "unused[$1]"
  whole_file "$1"
  mapfile -t proof <"$1"
  local each total=0
  for each in ${proof[@]+"${proof[@]}"}; do
    [[ $each =~ ^[0-9a-f]{64}$ ]] || give_up "$1 is no proof"
    total=$((total + 65))
  done
  [ ${#REPLY} -eq $total ] || give_up "$1 is no proof"
}

declare -A node=()
if [ "$first" -gt 0 ]; then
  # What stands to the left of `first` is known from its proof alone.
  file=proofs/inclusion-$first-$size
  read_proof "$file"
  at=$first last=$((size - 1)) level=0 steps=''
  for each in ${proof[@]+"${proof[@]}"}; do
    [ "$last" -gt 0 ] || give_up "$file is too long"
    if [ $((at & 1)) -eq 1 ] || [ "$at" -eq "$last" ]; then
      while [ $((at & 1)) -eq 0 ] && [ "$at" -ne 0 ]; do at=$((at >> 1)) last=$((last >> 1)) level=$((level + 1)); done
      steps+=" L$each"
      node["$level:$((at - 1))"]=$each
    else
      steps+=" R$each"
    fi
    at=$((at >> 1)) last=$((last >> 1)) level=$((level + 1))
  done
  [ "$last" -eq 0 ] || give_up "$file is too short"
  add_job "record $first is not proven to be in the last checkpoint" "${root_of[$size]}" "${leaves[0]}" "$steps"
fi

# Level by level from the leaves; of each are kept the nodes of which the roots of the checkpoints are made.
from=$first level=0
while [ $((size >> level)) -gt 0 ]; do
  current=()
  if [ $(((first >> level) & 1)) -eq 1 ]; then
    from=$((from - 1))
    [ -n "${node["$level:$from"]:-}" ] || give_up 'the proof of the first record does not fit'
    current=("${node["$level:$from"]}")
  fi
  mapfile -t -O "${#current[@]}" current <"$work/leaf-list"
  for each in "${sizes[@]}"; do
    place=$(((each >> level) - 1 - from))
    if [ $(((each >> level) & 1)) -eq 1 ] && [ $place -ge 0 ]; then node["$level:$((from + place))"]=${current[place]:-}; fi
  done
  if [ ${#current[@]} -gt 0 ]; then printf '%s\n' "${current[@]}"; fi | awk 'NR % 2 { left = $0; next } { print left $0 }' >"$work/pairs"
  hash_nodes <"$work/pairs" >"$work/leaf-list"
  from=$((from >> 1)) level=$((level + 1))
done

for each in "${sizes[@]}"; do
  [ "$each" -ge "$first" ] || continue
  at='' steps=''
  for ((level = 0; (each >> level) > 0; level++)); do
    [ $(((each >> level) & 1)) -eq 1 ] || continue
    part=${node["$level:$(((each >> level) - 1))"]:-}
    [ -n "$part" ] || give_up 'the tree cannot be computed from the records'
    if [ -z "$at" ]; then at=$part; else steps+=" L$part"; fi
  done
  add_job "the records are not those of the checkpoint over $each" "${root_of[$each]}" "$at" "$steps"
done

before=''
for each in "${sizes[@]}"; do
  if [ -n "$before" ]; then
    file=proofs/consistency-$before-$each
    read_proof "$file"
    # RFC 9162 section 2.1.4.2: of a complete old tree the root itself begins the proof.
    [ $((before & (before - 1))) -eq 0 ] && proof=("${root_of[$before]}" ${proof[@]+"${proof[@]}"})
    [ ${#proof[@]} -gt 0 ] || give_up "$file is too short"
    at=$((before - 1)) last=$((each - 1)) old_steps='' new_steps=''
    while [ $((at & 1)) -eq 1 ]; do at=$((at >> 1)) last=$((last >> 1)); done
    for step in "${proof[@]:1}"; do
      [ "$last" -gt 0 ] || give_up "$file is too long"
      if [ $((at & 1)) -eq 1 ] || [ "$at" -eq "$last" ]; then
        old_steps+=" L$step" new_steps+=" L$step"
        while [ $((at & 1)) -eq 0 ] && [ "$at" -ne 0 ]; do at=$((at >> 1)) last=$((last >> 1)); done
      else
        new_steps+=" R$step"
      fi
      at=$((at >> 1)) last=$((last >> 1))
    done
    [ "$last" -eq 0 ] || give_up "$file is too short"
    what="the checkpoint over $before is not proven a prefix of that over $each"
    add_job "$what" "${root_of[$before]}" "${proof[0]}" "$old_steps"
    add_job "$what" "${root_of[$each]}" "${proof[0]}" "$new_steps"
  fi
  before=$each
done
run_jobs
for name in "${!unused[@]}"; do broken "there is a file too many: $name"; done

# -------------------------------------------------------------------------------------------------- INTEGRITY: anchors

declare -A anchored_at=()
while IFS=$'\t' read -r seq kind _ _ _ type anchor_size anchor_text anchor_sum _; do
  [ "$kind" = anchor ] || continue
  [ "$anchor_size" -le "$seq" ] || broken "record $seq is an anchor of a checkpoint that came after it"
  known=${text_hash[$anchor_size]:-}
  [ -z "$known" ] || [ "$known" = "$anchor_text" ] || broken "record $seq is an anchor of another checkpoint over $anchor_size"
  name="$type $anchor_size $anchor_sum"
  [ -n "${anchored_at[$name]:-}" ] || anchored_at[$name]=$seq
done <"$work/records.tsv"

: >"$work/tokens"
for index in "${!token_files[@]}"; do
  file=${token_files[index]} each=${token_sizes[index]}
  seq=${anchored_at["rfc3161 $each ${sum_of[$file]}"]:-}
  [ -n "$seq" ] || [ "$each" = "$size" ] || broken "no record names $file"
done
for index in "${!cosignature_files[@]}"; do
  file=${cosignature_files[index]} each=${cosignature_sizes[index]}
  seq=${anchored_at["witness $each ${sum_of[$file]}"]:-}
  [ -n "$seq" ] || [ "$each" = "$size" ] || broken "no record names $file"
  whole_file "$file"
  [[ ${#REPLY} -lt 2000 && $REPLY =~ ^"$dash "[^[:space:]+]{1,255}\ ([A-Za-z0-9+/=]+)$'\n'$ && ${BASH_REMATCH[1]} =~ $base64_of_76 ]] ||
    broken "$file is not one signature line"
done
# A box leaves samples whole for 90 days, a day of them for clocks: what is younger by the record before it was reduced by
# somebody who has something to hide. Where the bundle says that it was made before one of its records, its clock was wrong;
# where only the clock of this machine finds it too young, and stands before the log, nobody knows.
now=$(date +%s) || stop 'could not check: the time of this machine cannot be read'
IFS=$'\t' read -r reduced too_early unsure < <(awk -F '\t' -v OFS='\t' -v CONVFMT=%.0f -v OFMT=%.0f -v made="$made" -v now="${now}000" '
  $2 == "-" { count++; if (is_dated && (seq == "" || last > youngest)) { youngest = last; seq = $1 } next }
  { is_dated = ($4 != "-"); last = $5 - $4; if (is_dated && last > newest) newest = last }
  END {
    old = youngest + 89 * 86400000
    early = unsure = "-"
    if (seq != "" && made + 0 >= newest + 0 && old > made + 0) early = seq
    else if (seq != "" && old > now + 0) { if (now + 0 < newest + 0) unsure = seq; else early = seq }
    print count + 0, early, unsure
  }' "$work/records.tsv") || stop 'could not check: awk failed'
[ "$too_early" = - ] || broken "record $too_early is reduced to its hashes before any box does that"
[ "${verdict[INTEGRITY]}" != 'not verified' ] || report
hidden=''
[ "$unsure" = - ] || say INTEGRITY 'could not check' "the clock of this machine stands before the log: whether record $unsure is reduced too early cannot be told"
[ "$reduced" -eq 0 ] || hidden="; $reduced of $count records are reduced to their hashes: what they said is not shown"
if [ -z "$key" ]; then
  [ -z "$hidden" ] || say INTEGRITY 'could not check' "${hidden:2}"
else
  signed_log="$count records ($first to $((size - 1))) and ${#sizes[@]} checkpoints are as the key $fingerprint signed them$hidden"
  if [ -f SHA256SUMS.sig ]; then
    say INTEGRITY verified "$signed_log"
  else
    say INTEGRITY 'could not check' "SHA256SUMS.sig is missing: nobody vouches for the bundle as a whole, nor for the report and what is attached; $signed_log"
  fi
fi

# ------------------------------------------------------------------------------------------------------------- TIME

moment() { # ms since 1970: for a person
  printf -v REPLY '%(%Y-%m-%dT%H:%M:%S)T.%03dZ' "$(($1 / 1000))" "$(($1 % 1000))"
}

between() { # two times in ms, - or none where nothing bounds it: in words
  local from='' to=''
  case $1 in - | none) ;; *) moment "$1" && from=$REPLY ;; esac
  case $2 in - | none) ;; *) moment "$2" && to=$REPLY ;; esac
  case ${from:+from}${to:+to} in
    fromto) REPLY="between $from and $to" ;;
    from) REPLY="not before $from" ;;
    to) REPLY="not later than $to" ;;
    *) REPLY='at a time that nothing bounds' ;;
  esac
}

months='JanFebMarAprMayJunJulAugSepOctNovDec'
seconds_of() { # year, month, day, hh:mm:ss: since 1970, of the Gregorian calendar
  local before=${months%"$2"*} year=$1 month day=$((10#$3)) of_year
  month=$((${#before} / 3 + 1))
  [ "${months:(month - 1) * 3:3}" = "$2" ] || return 1
  # Years that begin in March, so that the day that comes and goes is the last of a year.
  year=$((month < 3 ? year - 1 : year)) month=$((month < 3 ? month + 9 : month - 3))
  of_year=$(((153 * month + 2) / 5 + day - 1))
  REPLY=$((((year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468) * 24 + 10#${4:0:2}) * 3600 + 10#${4:3:2} * 60 + 10#${4:6:2}))
}

token_time() { # token: its earliest and its latest time in ms, by what the authority says of its accuracy
  local line gen='' accuracy=0 number unit fraction
  while IFS= read -r line; do
    case $line in
      'Time stamp: '*) gen=${line#Time stamp: } ;;
      'Accuracy: unspecified') ;;
      'Accuracy: '*)
        line="${line#Accuracy: }, "
        while [[ $line =~ ^(0x[0-9A-Fa-f]{1,8}|unspecified)\ (seconds|millis|micros),\ (.*)$ ]]; do
          number=${BASH_REMATCH[1]/unspecified/0} unit=${BASH_REMATCH[2]} line=${BASH_REMATCH[3]}
          case $unit in
            seconds) accuracy=$((accuracy + number * 1000)) ;;
            millis) accuracy=$((accuracy + number)) ;;
            micros) accuracy=$((accuracy + (number + 999) / 1000)) ;;
          esac
        done
        ;;
    esac
  done < <(openssl ts -reply -in "$1" -text 2>/dev/null)
  [[ $gen =~ ^([A-Z][a-z]{2})\ +([0-9]{1,2})\ ([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?\ ([0-9]{4})\ GMT$ ]] || return 1
  fraction=${BASH_REMATCH[4]:-}
  seconds_of "${BASH_REMATCH[5]}" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" || return 1
  gen=$REPLY
  # A time without a fraction says nothing of what is finer than its second.
  if [ -n "$fraction" ]; then
    fraction=${fraction#.}00
    fraction=$((10#${fraction:0:3}))
    earliest=$((gen * 1000 + fraction - accuracy)) latest=$((gen * 1000 + fraction + 1 + accuracy))
  else
    earliest=$((gen * 1000 - accuracy)) latest=$((gen * 1000 + 999 + accuracy))
  fi
  token_seconds=$gen
}

check_token() { # place of a token: leaves its checkpoint, the record that names it, and its time
  local file=${token_files[$1]} each=${token_sizes[$1]} seq earliest latest token_seconds
  token_time "$file" || return 0
  openssl ts -verify -data "$work/notes/$each" -in "$file" -CAfile "$authorities" -attime "$token_seconds" >/dev/null 2>&1 || return 0
  seq=${anchored_at["rfc3161 $each ${sum_of[$file]}"]:-none}
  printf '%s\t%s\t%s\t%s\n' "$each" "$seq" "$earliest" "$latest" >"$work/times/$1"
}

if [ ${#token_files[@]} -eq 0 ]; then
  say TIME 'could not check' 'there is no timestamp: the time is not proven'
elif [ -z "$authorities" ]; then
  say TIME 'could not check' "no --tsa-ca was given: the time is not proven, though there are ${#token_files[@]} timestamps"
else
  side_by_side check_token "${!token_files[@]}"
  for index in "${!token_files[@]}"; do
    if [ -s "$work/times/$index" ]; then
      cat -- "$work/times/$index"
    else
      say TIME 'not verified' "${token_files[index]} is no timestamp of the checkpoint by an authority that is trusted"
    fi
  done >"$work/tokens"
  # A checkpoint over the record that names a timestamp cannot have been stamped before it.
  turned=$(awk -F '\t' '
    { covers[NR] = $1 + 0; anchor[NR] = $2; early[NR] = $3 + 0; late[NR] = $4 + 0 }
    END {
      # They are in the order of their checkpoints: of those from a place on the earliest is known, and a search finds the place.
      for (j = NR; j >= 1; j--) least[j] = (j == NR || late[j] < least[j + 1]) ? late[j] : least[j + 1]
      for (i = 1; i <= NR; i++) {
        if (anchor[i] == "none") continue
        low = 1; high = NR + 1
        while (low < high) { middle = int((low + high) / 2); if (covers[middle] > anchor[i] + 0) high = middle; else low = middle + 1 }
        if (low > NR || least[low] >= early[i]) continue
        while (late[low] >= early[i]) low++
        print covers[low]
        exit
      }
    }
  ' "$work/tokens") || stop 'could not check: awk failed'
  [ -z "$turned" ] || say TIME 'not verified' "the timestamp of the checkpoint over $turned is older than one that it covers"
fi

# ------------------------------------------------------------------------------------------------ windows: TIME and CAUSE

# For every window that is meant, in the order of the manifest: what is claimed, what the timestamps bound, and what the
# samples show. A line each: verdict on time, its words, verdict on cause, its words, whether it ended, 8 times, id.
awk -F '\t' -v OFS='\t' -v CONVFMT=%.0f -v OFMT=%.0f '
  function later(seq,   best, i) { # the latest time after which this line was made
    best = "-"
    for (i = 1; i <= tokens; i++) if (anchor[i] != "none" && anchor[i] + 0 <= seq && (best == "-" || early[i] > best)) best = early[i]
    return best
  }
  function sooner(seq,   best, i) { # the first time before which this line existed
    best = "-"
    for (i = 1; i <= tokens; i++) if (covers[i] > seq && (best == "-" || late[i] < best)) best = late[i]
    return best
  }
  # As it can be shown, and without a space, with which it could look like another line of the answer.
  function named(text) { text = substr(text, 1, 80); gsub(/[^!-~]/, "_", text); return text }
  function above(one, other) { return one != "-" && one != "none" && other != "-" && other != "none" && one + 0 > other + 0 }
  function is_own(i) { return service[i] == "refuses-us" || service[i] == "own-tls" || token[i] == "refuses-us" || other[i] == "answered" }
  function shows(cause, i) {
    if ((cause == "internet-provider" || cause == "service") && is_own(i)) return 0
    if (cause == "internet-provider") return link[i] != "unknown" && lan[i] == "ok" && anchors[i] == "none" && (dns[i] == "failed" || hop[i] == "failed")
    if (cause == "service") return link[i] != "down" && lan[i] != "failed" && anchors[i] == "all" && dns[i] != "failed" && (service[i] == "unreachable" || service[i] == "server-error" || service[i] == "bad-certificate" || (token[i] == "failed" && (service[i] == "ok" || service[i] == "unknown")))
    if (cause == "own-network") return link[i] == "down" || lan[i] == "failed"
    if (cause == "own-software") return service[i] == "refuses-us" || service[i] == "own-tls" || token[i] == "refuses-us" || box[i] == "crashed"
    return 0
  }
  # What a cause may claim at most.
  function claims_too_much(cause, exemption) {
    if (cause == "own-software" || cause == "own-network" || cause == "own-power" || cause == "operator" || cause == "other-channel-worked") return exemption != "not-exempt"
    return (cause == "power-unproven" || cause == "partial" || cause == "unknown") && exemption == "presumed"
  }
  function needs_layers(cause) { return cause == "internet-provider" || cause == "service" || cause == "own-network" || cause == "own-software" }
  # Of a sample for whose clock nothing vouched nobody knows its time; a gap in the watching begins the count anew.
  function reaches(i, from, to,   latest) {
    if (bound[i] == "-") return 1
    latest = wall[i] + bound[i]
    return latest >= (from == "-" ? 0 : from + 0) && latest + 15000 >= (to == "-" ? 0 : to + 0)
  }
  function first_failing(cause, from, to,   i, found) {
    if (run) for (i = run; i <= samples; i++) if (reaches(i, from, to)) {
      # A failure that follows a restart at once is in one run with the sample that was written of the restart.
      if (cause_of[i] == cause) return i
      if (!found) found = i
    }
    return found + 0
  }
  # A sample that ends a window is one in which nothing fails; what else is reduced while it lasts shows nothing.
  function settle_reduced(   id) { if (is_reduced) for (id in lasting) reduced[id]++; is_reduced = 0 }
  FILENAME == ARGV[1] { tokens++; covers[tokens] = $1 + 0; anchor[tokens] = $2; early[tokens] = $3 + 0; late[tokens] = $4 + 0; next }
  FILENAME == ARGV[2] { meant[++windows] = $0; is_meant[$0] = 1; next }
  $2 == "-" { settle_reduced(); is_reduced = 1; run = 0; good = $1 + 0; is_good = 0; next }
  $2 == "sample" {
    settle_reduced()
    samples++; is_good = ($6 == "-"); good = is_good ? $1 + 0 : "none"
    bound[samples] = $4; wall[samples] = $5 + 0; at_seq[samples] = $1 + 0; cause_of[samples] = $6 ""; whole[samples] = $7 + 0; box[samples] = $8; link[samples] = $9; lan[samples] = $10
    hop[samples] = $11; dns[samples] = $12; anchors[samples] = $13; service[samples] = $14; token[samples] = $15; other[samples] = $16
    if ($6 == "-") run = 0
    else if (run == 0) run = samples
    next
  }
  $2 == "window" {
    if ($7 == "closed") delete lasting[$6] # of others that last it was no end
    settle_reduced()
    if ($7 != "closed") lasting[$6] = 1
  }
  $2 == "window" && ($6 in is_meant) {
    id = $6
    if (!(id in records)) {
      dated[id] = first_failing($8 "", $10, $11)
      # Written afterwards, of a time in which nobody looked: it may be older than the timestamp that its lines follow.
      afterwards[id] = dated[id] && box[dated[id]] != "running"
      opened_here[id] = ($7 == "opened")
      first_seq[id] = opened_here[id] && dated[id] ? at_seq[dated[id]] : "none"
      from_seq[id] = dated[id] ? at_seq[dated[id]] : $1 + 0
      shown_from[id] = first_seq[id] == "none" ? samples + 1 : dated[id]
    }
    records[id]++
    seen = first_seq[id]
    if (above($10, sooner(seen == "none" ? $1 + 0 : seen))) contradicted[id] = "it is said to have begun after its record existed"
    else if (seen != "none" && !afterwards[id] && above(later(seen), $11)) contradicted[id] = "it is said to have begun before its record can have been made"
    else if ($12 != "none") {
      seen = ($7 == "closed" && good != "") ? good : "none"
      if (above($12, sooner(seen == "none" ? $1 + 0 : seen))) contradicted[id] = "it is said to have ended after its record existed"
      else if (seen != "none" && above(later(seen), $13)) contradicted[id] = "it is said to have ended before its record can have been made"
      else if (above($10, $13)) contradicted[id] = "its times contradict each other"
    }
    if (claims_too_much($8, $9)) too_much[id] = too_much[id] ", record " $1 " claims an exemption that " named($8) " does not have"
    if (!((id, $8) in claims)) { claims[id, $8] = 1; causes[id, ++cause_count[id]] = $8 }
    start0[id] = $10; start1[id] = $11; end0[id] = $12; end1[id] = $13
    # A sample is written when its look ends, and a window is dated from the look. Without a bound it was dated later.
    i = dated[id]
    if (first_seq[id] != "none" && !afterwards[id] && bound[i] != "-" && $11 != "-" && $11 + 60000 < wall[i] - bound[i])
      invented[id] = "it is said to have begun before its first failing sample"
    if ($7 == "closed" && is_good && bound[samples] != "-" && (above($12, wall[samples] + bound[samples] + 60000) || above($13, wall[samples] + bound[samples] + 60000)))
      invented[id] = "it is said to have ended after the sample that ended it"
    if ($7 == "closed") { upto[id] = samples; end_seq[id] = samples > 0 ? at_seq[samples] : $1 + 0; ended[id] = 1 }
    else { upto[id] = 0; ended[id] = 0 }
  }
  END {
    for (w = 1; w <= windows; w++) {
      id = meant[w]
      if (!(id in records)) { print "bad", "it is not in the log", "bad", "it is not in the log", 0, "-", "-", "-", "-", "-", "-", "-", "-", id; continue }
      time = "ok"; time_words = "-"
      s_after = opened_here[id] ? later(from_seq[id]) : "-"; s_before = opened_here[id] ? sooner(from_seq[id]) : "-"
      e_after = ended[id] ? later(end_seq[id]) : "-"; e_before = ended[id] ? sooner(end_seq[id]) : "-"
      if (id in contradicted) { time = "bad"; time_words = contradicted[id] }
      else if (id in invented) { time = "bad"; time_words = invented[id] }
      else if (afterwards[id]) { time = "afterwards" }
      verdict = "ok"; cause_words = ""
      for (c = 1; c <= cause_count[id]; c++) {
        cause = causes[id, c]
        if (!needs_layers(cause)) {
          if (verdict != "bad") verdict = "unsure"
          cause_words = cause_words ", of " named(cause) " the layers alone do not tell"
          continue
        }
        shown = 0; wrong = 0
        upper = ended[id] ? upto[id] : samples
        for (i = shown_from[id]; i <= upper; i++) if (cause_of[i] == cause && whole[i]) { if (shows(cause, i)) shown++; else { wrong++; wrong_seq = at_seq[i] } }
        if (wrong) { verdict = "bad"; cause_words = cause_words ", sample " wrong_seq " does not show " named(cause) }
        else if (!opened_here[id]) { if (verdict == "ok") verdict = "unsure"; cause_words = cause_words ", it began before this bundle" }
        else if (!shown) { verdict = "bad"; cause_words = cause_words ", no sample shows " named(cause) }
        else cause_words = cause_words ", " shown " samples show " named(cause)
      }
      if (reduced[id]) {
        if (verdict == "ok") verdict = "unsure"
        cause_words = cause_words ", " reduced[id] " records while it lasted are reduced to their hashes"
      }
      if (id in too_much) { verdict = "bad"; cause_words = cause_words too_much[id] }
      print time, time_words, verdict, substr(cause_words, 3), ended[id] + 0, start0[id], start1[id], end0[id], end1[id], s_after, s_before, e_after, e_before, id
    }
  }' "$work/tokens" "$work/windows" "$work/records.tsv" >"$work/verdicts" || stop 'could not check: awk failed'

# A box opens a window at the third failing sample in a row, and tells of another cause at the first sample that shows it.
# Nothing is said where a bundle does not hold what that needs: what was before its first good sample, a restart, a clock
# that moved, what follows its last sample.
untold=$(awk -F '\t' '
  function named(text) { text = substr(text, 1, 80); gsub(/[^!-~]/, "_", text); return text }
  function next_sample() {
    if (waiting != "" && ++count <= 3) printf "%ssample %s fails by %s and no window tells of it", (count > 1 ? ", " : ""), waiting, named(why)
    waiting = ""
  }
  $2 == "-" || ($2 == "sample" && $6 == "-") { next_sample(); good = 1; row = 0; next }
  $2 == "sample" {
    next_sample()
    if ($8 != "running") { row = 0; next }
    known = told = 0
    for (id in open) { known = 1; if (open[id] == "-" || open[id] == $6 "") told = 1 }
    if (known) { if (!told) { waiting = $1; why = $6 "" } next }
    row = (row > 0 && $5 - last >= 0 && $5 - last <= 15000) ? row + 1 : 1
    last = $5
    if (good && row == 3) { waiting = $1; why = $6 "" }
    next
  }
  $2 == "window" {
    row = 0
    if ($7 == "closed") { delete open[$6]; next }
    open[$6] = $8 ""
    if (waiting != "" && why == $8) waiting = ""
    next
  }
  $2 == "anchor" || $2 == "note" || $2 == "attachment" || $2 == "attempt" || $2 == "scans" { next }
  { row = 0; waiting = "" }
  $2 == "start" { for (id in open) open[id] = "-" }' "$work/records.tsv") || stop 'could not check: awk failed'
[ -z "$untold" ] || say CAUSE 'not verified' "$untold"

still_open=()
shown=0 unsure=''
while IFS=$'\t' read -r time time_words cause cause_words ended s0 s1 e0 e1 s_after s_before e_after e_before id; do
  plain "$id"
  id=${REPLY:0:80}
  # A box writes no space into it, and what has one could look like another line of the answer.
  id=${id// /_}
  [ "$time" != bad ] || say TIME 'not verified' "window $id: $time_words"
  case $cause in
    bad) say CAUSE 'not verified' "window $id: $cause_words" ;;
    unsure) unsure+="; window $id: $cause_words" ;;
    *) shown=$((shown + 1)) ;;
  esac
  [ "$ended" = 1 ] || still_open+=("$id")
  details+=("window $id")
  between "$s0" "$s1"
  details+=("  began  claimed $REPLY")
  between "$s_after" "$s_before"
  details+=("         proven  recorded $REPLY")
  if [ "$ended" = 1 ]; then
    between "$e0" "$e1"
    details+=("  ended  claimed $REPLY")
    between "$e_after" "$e_before"
    details+=("         proven  recorded $REPLY")
  else
    details+=("  ended  not in this bundle")
  fi
  plain "$cause_words"
  details+=("  cause  $REPLY")
  unproven=''
  [ "$s_after" != - ] || unproven+=', that its beginning was not recorded earlier'
  [ "$e_before" != - ] || [ "$ended" != 1 ] || unproven+=', that its end was not recorded later'
  [ "$time" != afterwards ] || unproven+=', when it began and ended: the box was away, and wrote of it afterwards'
  [ "$reduced" -eq 0 ] || unproven+=", what stood in the $reduced records that are reduced"
  details+=("  not proven: that nobody pulled a plug${unproven}")
done <"$work/verdicts"
if [ ! -s "$work/windows" ]; then
  say CAUSE 'could not check' 'no window is meant'
elif [ -n "$unsure" ]; then
  say CAUSE 'could not check' "${unsure:2}"
else
  say CAUSE verified "$shown windows show the layers that their causes need"
fi
[ -n "${verdict[TIME]}" ] || say TIME verified "${#token_files[@]} timestamps hold, and no window contradicts them"

# ------------------------------------------------------------------------------------------------------- UNIQUENESS

cosigned() { # file with one signature line, index of the witness, signed text: 0 it holds, 1 it does not, 2 it is somebody else's
  local line name=${witness_names[$2]} signature hex seconds
  IFS= read -r line <"$1"
  signature=${line#"$dash $name "}
  [ "$line" = "$dash $name $signature" ] || return 2
  [[ $signature =~ $base64_of_76 ]] || return 1
  hex_of "$signature"
  hex=$REPLY
  [ "${hex:0:8}" = "${witness_ids[$2]}" ] || return 2
  [[ ${hex:8:2} < 10 ]] || return 1
  seconds=$((16#${hex:8:16}))
  whole_file "$3"
  printf 'cosignature/v1\ntime %s\n%s' "$seconds" "$REPLY" >"$work/cosigned"
  bytes_of "${hex:24}" >"$work/signature"
  signed "$work/witness-$2.pem" "$work/cosigned" "$work/signature" || return 1
  seen_at=$seconds
}

is_seen=''
for witness in ${witness_names[@]+"${!witness_names[@]}"}; do
  found='' name=${witness_names[witness]}
  for index in ${cosignature_files[@]+"${!cosignature_files[@]}"}; do
    # What it signed before is a prefix of this one.
    [ "${cosignature_sizes[index]}" = "$size" ] || continue
    cosigned "${cosignature_files[index]}" "$witness" "$work/notes/$size"
    case $? in
      0) found=$seen_at ;;
      1) say UNIQUENESS 'not verified' "${cosignature_files[index]} is no signature of $name" ;;
    esac
  done
  if [ -n "$found" ]; then
    is_seen=yes
    moment $((found * 1000))
    say UNIQUENESS verified "$name has seen the last checkpoint at $REPLY and no other history"
  else
    say UNIQUENESS 'not verified' "$name has not signed the last checkpoint"
  fi
done

check_head() {
  local lines text line index signature found='' head_size head_root newest=''
  [ "$(wc -c <"$head_file")" -lt 65536 ] && [ "$(tr -dc '\000' <"$head_file" | wc -c)" -eq 0 ] || stop '--witness-head: this is no note'
  mapfile -t lines <"$head_file"
  [ "${#lines[@]}" -ge 5 ] && [ -z "${lines[3]}" ] || stop '--witness-head: this is no note of a checkpoint'
  head_size=${lines[1]} head_root=${lines[2]}
  [[ $head_size =~ $whole_number && $head_root =~ $base64_of_32 ]] || stop '--witness-head: this is no note of a checkpoint'
  if [ "${lines[0]}" != "$origin" ]; then
    plain "${lines[0]}"
    say UNIQUENESS 'could not check' "the witness's note is of another log: $REPLY"
    return
  fi
  text=${lines[0]}$'\n'$head_size$'\n'$head_root$'\n'
  printf '%s' "$text" >"$work/head"
  for line in "${lines[@]:4}"; do
    signature=${line#"$dash $origin "}
    [ "$line" = "$dash $origin $signature" ] && [[ $signature =~ $base64_of_68 ]] || continue
    hex_of "$signature"
    [ "${REPLY:0:8}" = "$log_id" ] || continue
    bytes_of "${REPLY:8}" >"$work/signature"
    if signed "$work/key.pem" "$work/head" "$work/signature"; then found=yes; fi
  done
  if [ -z "$found" ]; then
    say UNIQUENESS 'could not check' 'the note given as that of the witness is not signed by the key of the log'
    return
  fi
  found=''
  if [ ${#witness_names[@]} -gt 0 ]; then
    for line in "${lines[@]:4}"; do
      printf '%s\n' "$line" >"$work/head-line"
      for index in "${!witness_names[@]}"; do
        if cosigned "$work/head-line" "$index" "$work/head"; then found=yes; fi
      done
    done
    if [ -z "$found" ]; then
      say UNIQUENESS 'could not check' "none of the witnesses has signed the note given as the witness's"
      return
    fi
  fi
  if [ "$size" -gt "$head_size" ]; then
    say UNIQUENESS 'not verified' "the witness has seen $head_size records, and this bundle has checkpoints over $size"
    return
  fi
  hex_of "$head_root"
  head_root=$REPLY
  if [ -n "${root_of[$head_size]:-}" ]; then
    if [ "${root_of[$head_size]}" = "$head_root" ] && [ ${#witness_names[@]} -eq 0 ]; then
      say UNIQUENESS 'could not check' "the note agrees; give --witness as well to see whose it is"
    elif [ "${root_of[$head_size]}" = "$head_root" ]; then
      say UNIQUENESS verified 'the last checkpoint is the latest that the witness has seen'
    else
      say UNIQUENESS 'not verified' "the witness has seen another history of the first $head_size records"
    fi
    return
  fi
  newest="the witness has seen $((head_size - size)) records after this bundle"
  if [ ${#still_open[@]} -gt 0 ]; then
    say UNIQUENESS 'not verified' "$newest, and window ${still_open[0]} has not ended in it"
  elif [ -n "$is_seen" ]; then
    say UNIQUENESS verified "$newest"
  else
    say UNIQUENESS 'could not check' "$newest; give --witness as well to see whether they are of the same history"
  fi
}
[ -z "$head_file" ] || check_head
[ -n "${verdict[UNIQUENESS]}" ] || say UNIQUENESS 'could not check' 'no witness was given: uniqueness not proven'
if [ "$epoch" -gt 1 ]; then
  words[UNIQUENESS]+="; this is epoch $epoch of the log, begun because of ${epoch_reason:-something before this bundle}"
fi
report
