/* Writes down what a process does to the files of one directory, and to its TCP sockets.

   Loaded by LD_PRELOAD (Linux, glibc); tests/chaos/journal.py compiles it and reads what it
   writes. Its environment:

     CHAT_JOURNAL      the file that gets a record of each call, after the call returned
     CHAT_JOURNAL_DIR  the directory whose files are of interest
     CHAT_JOURNAL_FAULT  optional: a file that a test makes and removes; while it is there
                         with "KIND SUFFIX ERRNO", calls of that kind (w: write, s: sync,
                         c: create) on files whose names end in SUFFIX fail with ERRNO

   A record is a struct head, the path and the data. Times are CLOCK_MONOTONIC in ns, which
   all processes of a machine share. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct head {
    uint32_t kind; /* 'w' write, 't' truncate, 's' sync, 'd' sync of the directory,
                      'c' create, 'u' unlink, 'n' send */
    uint32_t path_size;
    uint64_t data_size;
    int64_t offset; /* of a write, size of a truncate, the descriptor of a send */
    int64_t begin_ns;
    int64_t end_ns;
};

static const char *directory;
static size_t directory_size;
static const char *fault_path;
static int journal = -1;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAT_JOURNAL");
    directory = getenv("CHAT_JOURNAL_DIR");
    fault_path = getenv("CHAT_JOURNAL_FAULT");
    if (path == NULL || directory == NULL) return;
    directory_size = strlen(directory);
    journal = (int)syscall(SYS_openat, AT_FDCWD, path,
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int ours(const char *path) {
    return journal >= 0 && strncmp(path, directory, directory_size) == 0 &&
           (path[directory_size] == '/' || path[directory_size] == 0);
}

/* The path of a descriptor of interest, or 0. */
static int path_of(int fd, char *path) {
    char link[64];
    ssize_t size;
    if (journal < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, PATH_MAX - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return ours(path);
}

/* One call of writev on a file opened to append: records of threads do not mix. */
static void note(uint32_t kind, const char *path, int64_t offset, const struct iovec *data,
                 int count, size_t size, int64_t begin_ns) {
    int saved = errno;
    struct head head = {kind, (uint32_t)strlen(path), size, offset, begin_ns, now()};
    struct iovec parts[IOV_MAX] = {{&head, sizeof head}, {(void *)path, head.path_size}};
    int used = 2;
    for (int i = 0; i < count && used < IOV_MAX && size > 0; i++) {
        size_t part = data[i].iov_len < size ? data[i].iov_len : size;
        parts[used++] = (struct iovec){data[i].iov_base, part};
        size -= part;
    }
    if (size > 0) abort(); /* Gaps in a journal would prove nothing. */
    syscall(SYS_writev, journal, parts, used);
    errno = saved;
}

static int fails(char kind, const char *path) {
    char text[128], wanted, suffix[64];
    int number, fd;
    ssize_t size;
    if (fault_path == NULL) return 0;
    fd = (int)syscall(SYS_openat, AT_FDCWD, fault_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    size = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    if (size <= 0) return 0;
    text[size] = 0;
    if (sscanf(text, "%c %63s %d", &wanted, suffix, &number) != 3 || wanted != kind) return 0;
    size_t have = strlen(path), want = strlen(suffix);
    if (have < want || strcmp(path + have - want, suffix) != 0) return 0;
    errno = number;
    return 1;
}

static ssize_t noted_pwrite(ssize_t (*call)(int, const void *, size_t, off64_t), int fd,
                            const void *data, size_t size, off64_t offset) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return call(fd, data, size, offset);
    if (fails('w', path)) return -1;
    int64_t begin_ns = now();
    ssize_t done = call(fd, data, size, offset);
    struct iovec part = {(void *)data, size};
    if (done > 0) note('w', path, offset, &part, 1, (size_t)done, begin_ns);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return noted_pwrite(REAL(pwrite64), fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    return noted_pwrite(REAL(pwrite64), fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(write)(fd, data, size);
    if (fails('w', path)) return -1;
    int64_t begin_ns = now();
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    ssize_t done = REAL(write)(fd, data, size);
    struct iovec part = {(void *)data, size};
    if (done > 0) note('w', path, offset, &part, 1, (size_t)done, begin_ns);
    return done;
}

static int noted_truncate(int fd, off64_t size) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(ftruncate64)(fd, size);
    if (fails('w', path)) return -1;
    int64_t begin_ns = now();
    int done = REAL(ftruncate64)(fd, size);
    if (done == 0) note('t', path, size, NULL, 0, 0, begin_ns);
    return done;
}

int ftruncate(int fd, off_t size) { return noted_truncate(fd, size); }
int ftruncate64(int fd, off64_t size) { return noted_truncate(fd, size); }

static int noted_sync(int (*call)(int), int fd) {
    char path[PATH_MAX];
    struct stat status;
    if (!path_of(fd, path)) return call(fd);
    if (fails('s', path)) return -1;
    int64_t begin_ns = now();
    int done = call(fd);
    int saved = errno;
    int is_directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    errno = saved;
    if (done == 0) note(is_directory ? 'd' : 's', path, 0, NULL, 0, 0, begin_ns);
    return done;
}

int fsync(int fd) { return noted_sync(REAL(fsync), fd); }
int fdatasync(int fd) { return noted_sync(REAL(fdatasync), fd); }

int unlink(const char *path) {
    if (!ours(path)) return REAL(unlink)(path);
    int64_t begin_ns = now();
    int done = REAL(unlink)(path);
    if (done == 0) note('u', path, 0, NULL, 0, 0, begin_ns);
    return done;
}

static int noted_open(int (*call)(const char *, int, ...), const char *path, int flags,
                      mode_t mode) {
    if (!(flags & O_CREAT) || !ours(path)) return call(path, flags, mode);
    if (fails('c', path)) return -1;
    int is_new = access(path, F_OK) != 0;
    int64_t begin_ns = now();
    int fd = call(path, flags, mode);
    if (fd >= 0 && is_new) note('c', path, 0, NULL, 0, 0, begin_ns);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return noted_open(REAL(open64), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return noted_open(REAL(open64), path, flags, mode);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (journal < 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6))
        return REAL(sendmsg)(fd, message, flags);
    int64_t begin_ns = now();
    ssize_t done = REAL(sendmsg)(fd, message, flags);
    if (done > 0)
        note('n', "", fd, message->msg_iov, (int)message->msg_iovlen, (size_t)done, begin_ns);
    return done;
}
