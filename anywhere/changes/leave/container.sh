# shellcheck shell=sh
# Removes the agent's container and its images, where docker answers. Containers of tasks stay.
# usage: container
docker=$(command -v docker) || exit 0
DOCKER_HOST=unix:///var/run/docker.sock
export DOCKER_HOST
timeout 10 "$docker" version >/dev/null 2>&1 || exit 0
timeout 60 "$docker" rm -f ecs-agent >/dev/null 2>&1
for name in amazon/amazon-ecs-agent amazon/amazon-ecs-pause; do
  ids=$(timeout 20 "$docker" images -q "$name" 2>/dev/null)
  # shellcheck disable=SC2086
  [ -z "$ids" ] || timeout 60 "$docker" rmi $ids >/dev/null 2>&1
done
exit 0
