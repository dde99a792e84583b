// SPDX-License-Identifier: MIT
// A clock that stands still until it is moved, and its timers.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost.Testing;

/// <summary>
/// A clock of the test's: it stands still until <see cref="Advance"/> moves it, which runs the
/// timers that are due on the way, each at its time.
/// </summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly CountWaiters _waiters;
    private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A clock that shows the beginning of 2030.</summary>
    public ManualTime() => _waiters = new CountWaiters("timers run", () => TimerCount);

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers and delays that have not come to their end.</summary>
    public int TimerCount
    {
        get
        {
            lock (_lock)
                return _timers.Count;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return _now;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ManualTimer timer = new(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>
    /// Wait until so many timers or delays are under way: what runs in the background has come to
    /// its delay then, and <see cref="Advance"/> ends it.
    /// </summary>
    /// <param name="count">How many, at least.</param>
    /// <param name="timeout">Of the real clock; by default ten seconds.</param>
    /// <exception cref="TimeoutException">There were not so many by then.</exception>
    public Task WaitForTimersAsync(int count, TimeSpan? timeout = null) =>
        _waiters.WaitAsync(count, timeout);

    /// <summary>Move the clock forward. Timers that are due run on the caller's thread.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        DateTimeOffset end = GetUtcNow() + by;
        while (TakeNext(end) is { } due)
            due.Run();
        lock (_lock)
            _now = end;
    }

    private ManualTimer? TakeNext(DateTimeOffset end)
    {
        lock (_lock)
        {
            ManualTimer? next = null;
            foreach (ManualTimer timer in _timers)
            {
                if (timer.DueAt <= end && (next is null || timer.DueAt < next.DueAt))
                    next = timer;
            }
            if (next is null)
                return null;
            _now = next.DueAt > _now ? next.DueAt : _now;
            if (next.Period > TimeSpan.Zero)
                next.DueAt += next.Period;
            else
                _timers.Remove(next);
            return next;
        }
    }

    private sealed class ManualTimer(ManualTime time, Action callback) : ITimer
    {
        public DateTimeOffset DueAt { get; set; }

        public TimeSpan Period { get; private set; }

        public void Run() => callback();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                Period = period;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    DueAt = time._now + dueTime;
                    time._timers.Add(this);
                }
            }
            time._waiters.Tell();
            return true;
        }

        public void Dispose()
        {
            lock (time._lock)
                time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
