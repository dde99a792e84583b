/* SPDX-License-Identifier: MIT */
/*
 * A child that is born in a control group. glibc has no function for it, and its clone cannot: the
 * call is made here, and with it the child's first steps on its own stack.
 */
#include "platform/linux/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__LP64__)
/* What is left of the stack after its end is the child's whole past: run never returns into it. */
static long call(struct clone_args *arguments, int (*run)(void *argument), void *argument)
{
    register int (*child)(void *) __asm__("r8") = run;
    register void *with __asm__("r9") = argument;
    long result = SYS_clone3;

    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%r9, %%rdi\n\t"
                     "callq *%%r8\n\t"
                     "movl %%eax, %%edi\n\t"
                     "movl %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(result)
                     : "D"(arguments), "S"(sizeof *arguments), "r"(child),
                       "r"(with), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static long call(struct clone_args *arguments, int (*run)(void *argument), void *argument)
{
    register int (*child)(void *) __asm__("x9") = run;
    register void *with __asm__("x10") = argument;
    register long number __asm__("x8") = SYS_clone3;
    register uintptr_t first __asm__("x0") = (uintptr_t)arguments;
    register size_t second __asm__("x1") = sizeof *arguments;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(first)
                     : "r"(second), "r"(number), "r"(child), "r"(with), [exit] "i"(SYS_exit)
                     : "memory", "cc");
    return (long)first;
}
#else
static long call(struct clone_args *arguments, int (*run)(void *argument), void *argument)
{
    (void)arguments;
    (void)run;
    (void)argument;
    return -ENOSYS;
}
#endif

pid_t umh_clone_into(const umh_clone_spec *spec)
{
    struct clone_args arguments = {
        .flags = (uint64_t)spec->flags | CLONE_INTO_CGROUP,
        .pidfd = (uintptr_t)spec->ret_pidfd,
        .exit_signal = (uint64_t)spec->exit_signal,
        .stack = (uintptr_t)spec->stack,
        .stack_size = spec->stack_bytes,
        .cgroup = (uint64_t)spec->group,
    };
    long result = call(&arguments, spec->run, spec->argument);

    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return (pid_t)result;
}
