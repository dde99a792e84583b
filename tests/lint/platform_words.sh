# SPDX-License-Identifier: MIT
# The build chooses the folder: only the export macro of the public header asks which system it is on, the
# system's headers are included in the folders of one system only, and no include climbs out of its folder.
. "$(dirname "$0")/../../scripts/lib.sh"

status=0
project_files '*.c' '*.h' '*.cpp' | grep -v '^include/umh/' |
    xargs -r grep -nE '\b(_WIN32|_WIN64|__linux__|__linux|__unix__|__MINGW32__|__APPLE__)\b' && status=1
system_headers='(sys|arpa|linux|netinet|net|systemd)/[a-z_./-]+|(unistd|pthread|fcntl|dlfcn|poll|dirent|pwd|grp|spawn|sched|link'
system_headers+='|semaphore|termios|syslog|windows|winsock2|io|process|direct)\.h'
project_files 'src/*.c' 'src/*.h' | grep -vE '^src/((platform|watch)/(linux|windows)|init)/' |
    xargs -r grep -nE "#[[:space:]]*include[[:space:]]+<($system_headers)>" && status=1
project_files 'src/*.c' 'src/*.h' | xargs -r grep -nE '#[[:space:]]*include[[:space:]]+"\.\./' && status=1
exit $status
