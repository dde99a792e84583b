// SPDX-License-Identifier: MIT
// subscriber.c in C#: counts the messages of a round, says how long it took from the first to the last, and what that
// allocated.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("0b5e0002-7a3c-4f0e-9b1d-52c6e0a17f02")]
public sealed class Subscriber : Module
{
    private long _count;
    private long _before;
    private long _begin;

    protected override void OnMessage(in Message message)
    {
        if (_count++ == 0)
        {
            _before = GC.GetTotalAllocatedBytes(precise: true);
            _begin = Stopwatch.GetTimestamp();
        }
        if (message.Utf8[0] != (byte)'!')
            return;
        double ns = Stopwatch.GetElapsedTime(_begin).TotalNanoseconds;
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - _before;
        KeyValuePair<string, object?>[] pairs =
            [new("messages", _count), new("ns", (long)ns), new("allocated", allocated)];
        Logger.Log(LogLevel.Information, default, pairs, null, (_, _) => "result");
        _count = 0;
    }
}
