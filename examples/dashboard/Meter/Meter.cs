// SPDX-License-Identifier: MIT
// Publishes how busy this machine is, and forgets the peaks when it is told "reset".
using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using UniversalModuleHost;

[Subscribe(Bus.Commands)]
public sealed class Meter : Module
{
    private const int DefaultIntervalMs = 500;

    private readonly Lock _lock = new(); // the loop and a command may come together
    private Task _loop = Task.CompletedTask;
    private (long Busy, long All) _before;
    private double _processor;
    private double _processorPeak;
    private double _memoryPeak;
    private int _count;

    protected override void OnStart()
    {
        _before = ReadProcessor();
        _loop = MeasureAsync(Configuration["IntervalMs"] is { } text ? int.Parse(text, null) : DefaultIntervalMs);
    }

    protected override void OnMessage(in Message message)
    {
        if (message.Text != "reset")
            return;
        lock (_lock)
            (_processorPeak, _memoryPeak, _count) = (0, 0, 0);
        Publish();
    }

    protected override async ValueTask OnStopAsync() =>
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // Stopping has ended it

    private async Task MeasureAsync(int intervalMs)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(intervalMs), Time);
        while (await timer.WaitForNextTickAsync(Stopping))
        {
            (long Busy, long All) now = ReadProcessor();
            lock (_lock)
                _processor = 100.0 * (now.Busy - _before.Busy) / Math.Max(1, now.All - _before.All);
            _before = now;
            Publish();
        }
    }

    private void Publish()
    {
        double memory = ReadMemory();
        lock (_lock)
        {
            _processorPeak = Math.Max(_processorPeak, _processor);
            _memoryPeak = Math.Max(_memoryPeak, memory);
            Reading reading = new(_processor, _processorPeak, memory, _memoryPeak, ++_count);
            TrySend(Bus.Readings, reading, Json.Default.Reading); // nobody needs an old one
        }
    }

    /// <summary>Ticks since the machine started: user, nice, system, idle, iowait, irq, ...</summary>
    private static (long Busy, long All) ReadProcessor()
    {
        string line = File.ReadLines("/proc/stat").First();
        long[] ticks = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(long.Parse)];
        long all = ticks.Take(8).Sum();
        return (all - ticks[3] - ticks[4], all);
    }

    private static double ReadMemory()
    {
        double Find(string key) => double.Parse(
            File.ReadLines("/proc/meminfo").First(line => line.StartsWith(key, StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], null);

        return 100.0 * (1 - Find("MemAvailable:") / Find("MemTotal:"));
    }
}
