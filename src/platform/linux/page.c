/* SPDX-License-Identifier: MIT */
/*
 * The shared page as a sealed memfd: whoever truncates what another has mapped would give the other
 * SIGBUS, so nobody can. It is not sealed against writing: that seal is refused while the host has
 * it mapped for writing, and the broker's own mapping is read-only.
 */
#include "platform/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Since Linux 6.3: not executable, and no later change of that. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

static int create_object(umh_pipe *ret_object)
{
    static const char name[] = "umh-blackbox"; /* shown in /proc/PID/maps, reachable by nobody */
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (descriptor < 0 && errno == EINVAL)
        descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "create a shared page");
    ret_object->handle = descriptor;
    return 0;
}

static int map(umh_pipe object, size_t size, int protection, void **ret_memory)
{
    void *memory = mmap(NULL, size, protection, MAP_SHARED, (int)object.handle, 0);

    if (memory == MAP_FAILED)
        return UMH_FAIL_OS(errno, "map a shared page of %zu bytes", size);
    *ret_memory = memory;
    return 0;
}

static int size_and_seal(umh_pipe object, size_t size)
{
    if (ftruncate((int)object.handle, (off_t)size) < 0)
        return UMH_FAIL_OS(errno, "size a shared page to %zu bytes", size);
    if (fcntl((int)object.handle, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return UMH_FAIL_OS(errno, "seal a shared page");
    return 0;
}

int umh_page_create(size_t size, umh_page *ret_page)
{
    size_t unit = (size_t)sysconf(_SC_PAGESIZE);
    umh_page page = UMH_PAGE_INIT;
    int r;

    if (size == 0 || size > SIZE_MAX / 2)
        return UMH_FAIL(UMH_E_USAGE, "a shared page of %zu bytes", size);
    page.size = (size + unit - 1) / unit * unit;
    r = create_object(&page.object);
    if (r == 0)
        r = size_and_seal(page.object, page.size);
    if (r == 0)
        r = map(page.object, page.size, PROT_READ, &page.memory);
    if (r) {
        umh_page_deinit(&page);
        return r;
    }
    *ret_page = page;
    return 0;
}

/* A smaller object would give SIGBUS behind its end. */
static int check_size(umh_pipe object, size_t size)
{
    struct stat about;

    if (fstat((int)object.handle, &about) < 0)
        return UMH_FAIL_OS(errno, "look at the shared page");
    if (about.st_size < 0 || (uint64_t)about.st_size < size)
        return UMH_FAIL(UMH_E_PROTOCOL, "the shared page has %lld bytes instead of %zu",
                        (long long)about.st_size, size);
    return 0;
}

int umh_page_adopt(umh_pipe object, size_t size, umh_page *ret_page)
{
    umh_page page = {.size = size, .object = object};
    int r = check_size(object, size);

    if (r == 0)
        r = map(object, size, PROT_READ | PROT_WRITE, &page.memory);
    umh_pipe_close(&page.object);
    if (r)
        return r;
    *ret_page = page;
    return 0;
}

void umh_page_deinit(umh_page *page)
{
    if (page->memory)
        munmap(page->memory, page->size);
    umh_pipe_close(&page->object);
    *page = (umh_page)UMH_PAGE_INIT;
}
