/* Delays fsync and fdatasync of a store's server by SLOW_SYNC_MS, as a busy disk does. Preloaded, see slow_sync.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void delay(void)
{
    const char *text = getenv("SLOW_SYNC_MS");
    long left = text == NULL ? 0 : atol(text);
    /* Other programs inherit the preload too: the service and its workers are not slowed. */
    if (left <= 0 || (strstr(program_invocation_short_name, "valkey") == NULL
                      && strstr(program_invocation_short_name, "redis") == NULL))
        return;
    struct timespec wait = {left / 1000, (left % 1000) * 1000000L};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {
    }
}

static int after_delay(const char *name, int descriptor)
{
    int (*sync_file)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    delay();
    return sync_file(descriptor);
}

int fsync(int descriptor) { return after_delay("fsync", descriptor); }
int fdatasync(int descriptor) { return after_delay("fdatasync", descriptor); }
