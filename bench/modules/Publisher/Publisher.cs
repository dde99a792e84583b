// SPDX-License-Identifier: MIT
// publisher.c in C#: publishes as many messages as `go` says on a thread of its own, and says what that allocated.
using System;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("0b5e0001-7a3c-4f0e-9b1d-52c6e0a17f01")]
public sealed class Publisher : Module
{
    private static readonly Guid Stream = new("0b5e0002-7a3c-4f0e-9b1d-52c6e0a17f02");

    private readonly BlockingCollection<(int Count, int Bytes)> _rounds = [];
    private Thread? _thread;

    protected override void OnStart()
    {
        _thread = new Thread(Run);
        _thread.Start();
    }

    protected override void OnMessage(in Message message)
    {
        Utf8Parser.TryParse(message.Utf8, out int count, out int length);
        Utf8Parser.TryParse(message.Utf8[(length + 1)..], out int bytes, out _);
        _rounds.Add((count, bytes));
    }

    protected override void OnStop()
    {
        _rounds.CompleteAdding();
        _thread?.Join();
    }

    private void Run()
    {
        foreach ((int count, int bytes) in _rounds.GetConsumingEnumerable())
        {
            byte[] text = new byte[bytes];
            text.AsSpan().Fill((byte)'x');
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Publish(count, text);
            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            KeyValuePair<string, object?>[] pairs = [new("published", count), new("allocated", allocated)];
            Logger.Log(LogLevel.Information, default, pairs, null, (_, _) => "result");
        }
    }

    private void Publish(int count, Span<byte> text)
    {
        for (int i = 1; i <= count; i++)
        {
            if (i == count)
                text[0] = (byte)'!';
            if (Send(Stream, text) != SendResult.Ok)
                return;
        }
    }
}
