// SPDX-License-Identifier: MIT
// Those who wait until there are so many of something.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost.Testing;

/// <summary>Whoever counts tells of each change; whoever waits looks at the count first.</summary>
internal sealed class CountWaiters(string what, Func<int> count)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<(int Wanted, TaskCompletionSource Done)> _waiting = [];

    public async Task WaitAsync(int wanted, TimeSpan? timeout)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _waiting.Add((wanted, done));
        Tell();
        try
        {
            await done.Task.WaitAsync(timeout ?? s_patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{count()} {what}, where {wanted} were waited for");
        }
        finally
        {
            lock (_lock)
                _waiting.RemoveAll(one => one.Done == done);
        }
    }

    public void Tell()
    {
        int there = count();
        lock (_lock)
        {
            foreach ((int wanted, TaskCompletionSource done) in _waiting)
            {
                if (there >= wanted)
                    done.TrySetResult();
            }
        }
    }
}
