# The first process of a machine: a copy-on-write view of this machine's files, in namespaces of its own, with an SSH server.
# Arguments: the machine's folder, its name, the shared folder, the project (hidden but for its environment), Python's prefix.
set -eu
folder=$1 name=$2 shared=$3 project=$4 prefix=$5
root=$folder/root
hostname "$name"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mkdir -p "$root/shared" "$root/run/sshd"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
if [ -n "$shared" ]; then mount --bind "$shared" "$root/shared"; fi

# A home of its own; the interpreter may lie in the real one.
if [ "${prefix#/root/}" != "$prefix" ]; then
    mkdir -p "$folder/home/${prefix#/root/}"
    mount --bind "$prefix" "$folder/home/${prefix#/root/}"
fi
mount --rbind "$folder/home" "$root/root"

# Of the project nothing but the installed environment, writable in this machine's view alone.
if [ "$project" != "" ]; then
    mkdir -p "$root/environment"
    mount --bind "$root$project/.venv" "$root/environment"
    mount -t tmpfs tmpfs "$root$project"
    mkdir "$root$project/.venv" "$root/root/venv"
    mount --bind "$root/environment" "$root$project/.venv"
    mount --bind "$root/environment" "$root/root/venv"
fi
mkdir -p "$folder/tmp" && chmod 1777 "$folder/tmp"
mount --bind "$folder/tmp" "$root/tmp"

# Bash stays the first process, since it reaps what Ray leaves behind.
exec chroot "$root" env -i HOME=/root PATH="$PATH" bash -c '
    cd /root
    /usr/sbin/sshd -D -e -h /root/host_key -o PidFile=none -o UsePAM=no -o PasswordAuthentication=no -o StrictModes=no &
    wait'
