// SPDX-License-Identifier: MIT
// A rule and its window: the values of the last ForSeconds.
using System;
using System.Collections.Generic;

namespace EndpointAgent;

/// <summary>Whether a rule holds. A single value that does not match ends it.</summary>
internal sealed class Watch(Rule rule)
{
    /// <summary>A publisher that is faster than anybody needs takes no more memory than this.</summary>
    private const int ValuesMax = 3600;

    private readonly Queue<(DateTimeOffset Time, double Value)> _window = new();
    private DateTimeOffset? _since;
    private DateTimeOffset _newest;

    public Rule Rule => rule;

    public bool Holds { get; private set; }

    public double Last { get; private set; }

    public double Average
    {
        get
        {
            double sum = 0;
            foreach ((_, double value) in _window)
                sum += value;
            return _window.Count > 0 ? sum / _window.Count : 0;
        }
    }

    /// <summary>True: with this reading the rule begins to hold, or ends.</summary>
    public bool Take(Reading reading)
    {
        if (!reading.Values.TryGetValue(rule.Metric, out double value))
            return false;
        // The machine's clock was set back: what is older says nothing about how long it is ago.
        if (reading.Time < _newest)
        {
            _window.Clear();
            _since = null;
        }
        _newest = reading.Time;
        Last = value;
        _window.Enqueue((reading.Time, value));
        while (_window.Count > ValuesMax || reading.Time - _window.Peek().Time > TimeSpan.FromSeconds(rule.ForSeconds))
            _window.Dequeue();

        bool held = Holds;
        _since = rule.Matches(value) ? _since ?? reading.Time : null;
        Holds = _since is { } since && reading.Time - since >= TimeSpan.FromSeconds(rule.ForSeconds);
        return Holds != held;
    }
}
