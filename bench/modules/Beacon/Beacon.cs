// SPDX-License-Identifier: MIT
// beacon.c in C#: sends itself a message when it starts, and says at what time it was called with it.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("0b5e0006-7a3c-4f0e-9b1d-52c6e0a17f06")]
public sealed class Beacon : Module
{
    private static readonly Guid Self = new("0b5e0006-7a3c-4f0e-9b1d-52c6e0a17f06");

    private long _start;

    protected override void OnStart()
    {
        _start = Now();
        Send(Self, "here");
    }

    protected override void OnMessage(in Message message)
    {
        KeyValuePair<string, object?>[] pairs = [new("start_ns", _start), new("message_ns", Now())];
        Logger.Log(LogLevel.Information, default, pairs, null, (_, _) => "result");
    }

    // Nanoseconds of the clock that everybody else here reads.
    private static long Now() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}
