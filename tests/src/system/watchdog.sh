# Reads "+kind:name" and "-kind:name" lines; when its input ends, removes what is left of them.
trap '' HUP INT TERM

while IFS= read -r line; do
  case $line in
    +*) set -- "$@" "${line#+}" ;;
    -*)
      gone=${line#-}
      left=$#
      while [ "$left" -gt 0 ]; do
        [ "$1" = "$gone" ] || set -- "$@" "$1"
        shift
        left=$((left - 1))
      done
      ;;
  esac
done

# First politely: PostgreSQL gives its shared memory back only then.
for charge; do
  case $charge in
    group:*) kill -INT "-${charge#group:}" ;;
    container:*) docker rm --force --volumes "${charge#container:}" ;;
  esac
done
for charge; do
  case $charge in
    group:*)
      group=${charge#group:}
      patience=30
      while [ "$patience" -gt 0 ] && kill -0 "-$group"; do
        sleep 0.1
        patience=$((patience - 1))
      done
      kill -KILL "-$group"
      ;;
  esac
done

# A server's own children notice its death a moment later and may still write until then.
for attempt in 1 2 3; do
  all_gone=yes
  for charge; do
    case $charge in
      directory:*) rm -rf "${charge#directory:}" || all_gone=no ;;
    esac
  done
  [ "$all_gone" = yes ] && break
  sleep 1
done
