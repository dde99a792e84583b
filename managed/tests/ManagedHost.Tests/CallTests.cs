// SPDX-License-Identifier: MIT
// A module's calls: in its flow, without exceptions, without objects on the path of a message.
using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class CallTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_message_arrives_as_it_was_sent() => Live("describe", host =>
    {
        host.Deliver("a\0b");
        Assert.Equal($"{FakeHost.Asked} 2 9 1 4 3", Assert.Single(host.SentMessages).Text);
    });

    [Fact]
    public void Sends_utf8_without_a_copy_to_the_session() => Live("echo", host =>
    {
        host.Deliver("grüße");
        Assert.Equal(
            new Sent(FakeHost.Answered, 4, "grüße", IsInside: true, IsTry: false),
            Assert.Single(host.SentMessages));
    });

    [Fact]
    public void An_exception_is_one_record_and_the_module_lives_on() => Live("throws", host =>
    {
        host.Deliver("x");
        host.Deliver("x");
        Logged second = host.Records.Last();

        Assert.Equal(2, host.Records.Count);
        Assert.Equal(4, second.Level);
        Assert.Contains("System.InvalidOperationException: message 2", second.Text);
        Assert.Contains("Behaviours.Behaviour.OnMessage", second.Pairs["exception"]);
        Assert.Equal("2", second.Pairs["failures"]);
    });

    [Fact]
    public void A_call_returns_when_the_task_has_completed() => Live("async", host =>
    {
        host.Deliver("x");
        Assert.Equal(["before", "x", "after"], host.SentMessages.Select(sent => sent.Text));
        Assert.All(host.SentMessages, sent => Assert.True(sent.IsInside));
    });

    [Fact]
    public void An_exception_of_a_task_is_a_record() => Live("async throws", host =>
    {
        host.Deliver("x");
        Assert.Contains("later", Assert.Single(host.Records).Text);
    });

    [Fact]
    public void What_a_start_leaves_running_is_outside()
    {
        Assert.Null(FakeHost.LoadBehaviour("{\"OnStart\": \"background\"}", out FakeHost host));
        using (host)
        {
            Assert.Null(host.Start());
            Assert.True(SpinWait.SpinUntil(() => !host.SentMessages.IsEmpty, s_patience));
            End(host);
        }
    }

    [Fact]
    public void Values_of_a_flow_end_with_the_call() => Live("local", host =>
    {
        host.Deliver("x");
        host.Deliver("x");
        Assert.Equal(["0", "0"], host.SentMessages.Select(sent => sent.Text));
    });

    [Fact]
    public void Subscribes_and_unsubscribes() => Live("subscribe", host =>
    {
        host.Deliver("x");
        Assert.Equal([true, false], host.Subscriptions.Select(change => change.IsWanted));
    });

    [Fact]
    public void Knows_who_it_is() => Live("identity", host =>
    {
        host.Deliver("x");
        Assert.Equal(
            $"Given test@2 {FakeHost.Asked} 7 2 3 /store /original {FakeHost.MaxMessageBytes}",
            Assert.Single(host.SentMessages).Text);
    });

    [Fact]
    public void Half_a_character_is_not_text() => Live("not text", host =>
    {
        host.Deliver("x");
        Assert.Equal("NotText", Assert.Single(host.SentMessages).Text);
    });

    [Fact]
    public void A_start_that_throws_says_so()
    {
        Assert.Null(FakeHost.LoadBehaviour("{\"OnStart\": \"throws\"}", out FakeHost host));
        using (host)
        {
            Assert.Contains("the start does not like it here", host.Start());
            Assert.Contains("exception", Assert.Single(host.Records).Pairs.Keys);
            End(host);
        }
    }

    [Fact]
    public void Stop_cancels_then_stops_then_disposes() => Live("echo", host =>
    {
        host.Stop();
        Assert.Equal(
            ["stopped, token True", "disposed"],
            host.Records.Select(record => record.Text));
    });

    [Fact]
    public void A_stopped_module_sends_no_more()
    {
        using FakeHost host = new();
        ModuleHost mine = NewModuleHost(host);

        Assert.Equal(SendResult.Ok, mine.Send(FakeHost.Asked, "x"u8, 0, TimeSpan.Zero));
        mine.Close();
        Assert.Equal(SendResult.Stopping, mine.Send(FakeHost.Asked, "x"u8, 0, TimeSpan.Zero));
        Assert.Equal(
            SendResult.Stopping,
            Assert.Throws<SendException>(() => mine.Subscribe(FakeHost.Asked)).Result);
    }

    [Fact]
    public void Asynchronous_sends_wait_in_order()
    {
        using FakeHost host = new() { FullCount = 3 };
        ModuleHost mine = NewModuleHost(host);
        Task first = SendAsync(mine, "1"u8, default);
        Task second = SendAsync(mine, "2"u8, default);

        Assert.True(Task.WaitAll([first, second], s_patience));
        Assert.Equal(["1", "2"], host.SentMessages.Select(sent => sent.Text));
        mine.Close();
    }

    [Fact]
    public void A_cancelled_send_ends()
    {
        using FakeHost host = new() { FullCount = int.MaxValue };
        using CancellationTokenSource source = new();
        ModuleHost mine = NewModuleHost(host);
        Task waiting = SendAsync(mine, "1"u8, source.Token);

        source.Cancel();
        Assert.Throws<AggregateException>(() => waiting.Wait(s_patience));
        Assert.True(waiting.IsCanceled);
        mine.Close();
    }

    [Fact]
    public unsafe void A_message_makes_no_objects()
    {
        using FakeHost host = new() { Ignores = true };

        Assert.Null(host.Load(FakeHost.ModulePath("Plain")));
        Assert.Null(host.Start());
        fixed (byte* text = "hello\0"u8)
        {
            for (int i = 0; i < 100; i++)
                host.Deliver(text, 5);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
                host.Deliver(text, 5);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
        End(host);
    }

    private static Task SendAsync(
        ModuleHost host, ReadOnlySpan<byte> utf8, CancellationToken cancellation) =>
        host.SendAsync(FakeHost.Asked, utf8.ToArray(), 0, cancellation).AsTask();

    private static unsafe ModuleHost NewModuleHost(FakeHost host) => host.NewModuleHost();

    private static void Live(string onMessage, Action<FakeHost> life)
    {
        string config = $"{{\"OnMessage\": \"{onMessage}\"}}";

        Assert.Null(FakeHost.LoadBehaviour(config, out FakeHost host));
        using (host)
        {
            Assert.Null(host.Start());
            life(host);
            End(host);
        }
    }

    private static void End(FakeHost host)
    {
        host.Stop();
        Assert.Null(host.Unload());
    }
}
