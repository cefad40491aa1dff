/* Preloaded into pcscd by simulator.pcscd: its 400 ms pause between two looks at a slot becomes
 * 10 ms, so that a virtual tap is felt at once. Every other pause stays what it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 400000000L
#define FAST_NS 10000000L

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    static int (*real)(const struct timespec *, struct timespec *);
    struct timespec fast = {0, FAST_NS};
    if (!real)
        real = (int (*)(const struct timespec *, struct timespec *))dlsym(RTLD_NEXT, "nanosleep");
    return real(wanted->tv_sec == 0 && wanted->tv_nsec == POLL_NS ? &fast : wanted, left);
}

int usleep(useconds_t us)
{
    struct timespec wanted = {us / 1000000, (long)(us % 1000000) * 1000};
    return nanosleep(&wanted, NULL);
}
