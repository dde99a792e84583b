// SPDX-License-Identifier: MIT
// answerer.c in C#, which also says when it was first called: with a message that it sends itself when it starts.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("0b5e0003-7a3c-4f0e-9b1d-52c6e0a17f03")]
[Subscribe("0b5e0007-7a3c-4f0e-9b1d-52c6e0a17f07")]
public sealed class Replier : Module
{
    private static readonly Guid Answer = new("0b5e0004-7a3c-4f0e-9b1d-52c6e0a17f04");
    private static readonly Guid Self = new("0b5e0007-7a3c-4f0e-9b1d-52c6e0a17f07");

    protected override void OnStart() => Send(Self, "here");

    protected override void OnMessage(in Message message)
    {
        if (message.Service != Self)
        {
            Send(Answer, message.Utf8);
            return;
        }
        KeyValuePair<string, object?>[] pairs = [new("message_ns", Now())];
        Logger.Log(LogLevel.Information, default, pairs, null, (_, _) => "result");
    }

    // Nanoseconds of the clock that everybody else here reads.
    private static long Now() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}
