#!/usr/bin/env bash
# What an app does with Mediakeep, with curl alone: curl.sh photo.jpg clip.mp4. MEDIAKEEP_URL is the server, TOKEN a bearer token.
set -euo pipefail

api="${MEDIAKEEP_URL:-http://127.0.0.1:4000}/api/v1/media"
photo="$1"
clip="$2"

# Shows the answer's body, and fails with the server's reason when it refuses.
call() {
  curl --silent --show-error --fail-with-body --header "Authorization: Bearer $TOKEN" "$@"
}

# The value of a field of a small JSON answer. (With jq: jq -r .id)
field() {
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

# What describes a file goes before it.
image=$(call --form title='At the sea' --form tags=sea --form "file=@$photo" "$api/upload/image")
image_id=$(field id <<<"$image")
echo "uploaded $image_id"
video_id=$(call --form "file=@$clip" "$api/upload/video" | field id)
echo "uploaded $video_id"

# The list, newest first, a page at a time: what comes next stands in the Link header.
page="$api/?first=1"
while [ -n "$page" ]; do
  answer=$(call --include "$page")
  echo "listed $(field filename <<<"$answer")"
  page=$(tr -d '\r' <<<"$answer" | sed -n 's/^link: <\([^>]*\)>; rel="next"$/\1/Ip')
done

call --request PATCH --json '{"title":"At the lake"}' "$api/$image_id" | grep -o '"title":"[^"]*"'

# A link is for whoever holds it.
curl --silent --show-error --fail --output /dev/null --write-out 'fetched %{size_download} bytes\n' "$(field url <<<"$image")"

# Refused: a video where an image is asked for. The status is 415, the body says why.
call --form "file=@$clip" "$api/upload/image" || echo

for id in "$image_id" "$video_id"; do call --request DELETE "$api/$id" && echo "deleted $id"; done
