// SPDX-License-Identifier: MIT
// What still runs, or waits to, when the module has stopped.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Lingering;

internal static class Running
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    private static int s_count;

    public static readonly Dictionary<string, Action> All = new()
    {
        ["timer"] = () => new Timer(OnTimer).Change(s_long, s_long),
        ["thread"] = () => new Thread(Sleep) { IsBackground = true }.Start(),
        ["ended thread"] = () => new Thread(Tick) { IsBackground = true }.Start(),
        ["registered wait"] = () => ThreadPool.RegisterWaitForSingleObject(
            new ManualResetEvent(false), OnSignal, null, s_long, executeOnlyOnce: true),
        ["delay"] = () => _ = WaitAsync(s_long),
        ["short delay"] = () => _ = WaitAsync(TimeSpan.FromMilliseconds(50)),
        ["cancel after"] = () => new CancellationTokenSource(s_long).Token.Register(Tick),
        ["task"] = () => _ = Task.Run(() => Tick()),
        ["blocked task"] = () => _ = Task.Factory.StartNew(
            Sleep, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
    };

    private static void Tick() => Interlocked.Increment(ref s_count);

    private static void OnTimer(object? state) => Tick();

    private static void OnSignal(object? state, bool isTimeout) => Tick();

    private static void Sleep()
    {
        Thread.Sleep(s_long);
        Tick();
    }

    private static async Task WaitAsync(TimeSpan time)
    {
        await Task.Delay(time).ConfigureAwait(false);
        Tick();
    }
}
