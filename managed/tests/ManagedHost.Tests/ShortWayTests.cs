// SPDX-License-Identifier: MIT
// A thread that has delivered many messages has a shorter way to do so. Nothing else may differ.
using System;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Threading;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class ShortWayTests
{
    private const int Count = 200;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("leave")]
    [InlineData("leave values")]
    public void What_a_message_leaves_in_a_thread_goes_with_it(string told) => Live(told, host =>
    {
        Assert.Equal(["-1 0 0 True"], host.SentMessages.Select(sent => sent.Text).Distinct());
        Assert.Equal("-1", $"{-1}");
        Assert.Null(SynchronizationContext.Current);
        Assert.False(ExecutionContext.IsFlowSuppressed());
    });

    [Fact]
    public void Sends_are_inside() => Live("grüße", host =>
        Assert.Equal(
            [new Sent(FakeHost.Answered, 4, "grüße", IsInside: true, IsTry: false)],
            host.SentMessages.Distinct()));

    [Fact]
    public void A_task_that_goes_on_is_outside() => Live("later", host =>
    {
        Assert.True(SpinWait.SpinUntil(() => host.SentMessages.Count == Count, s_patience));
        Assert.All(host.SentMessages, sent => Assert.False(sent.IsInside));
    });

    [Fact]
    public void An_exception_is_one_record_and_the_module_lives_on() => Live("throw", host =>
    {
        Assert.Equal(Count, host.Records.Count);
        Assert.Equal($"{Count}", host.Records.Last().Pairs["failures"]);
    });

    [Fact]
    public void What_is_written_is_the_modules() => Live("write", host =>
    {
        host.Stop();
        Assert.Equal(Count, host.Records.Count(record => record.Text == "written"));
    });

    [Fact]
    public unsafe void A_message_makes_no_objects() => OnNewThread(() =>
    {
        using FakeHost host = new() { Ignores = true };

        Assert.Null(host.Load(FakeHost.ModulePath("Plain")));
        Assert.Null(host.Start());
        fixed (byte* text = "hello\0"u8)
        {
            for (int i = 0; i < Count; i++)
                host.Deliver(text, 5);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
                host.Deliver(text, 5);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
        End(host);
    });

    [Fact]
    public void A_close_waits_for_the_send_under_way()
    {
        using ManualResetEventSlim hasCome = new();
        using ManualResetEventSlim mayGo = new();
        using FakeHost host = new() { Gate = (hasCome, mayGo) };
        ModuleHost mine = NewModuleHost(host);
        SendResult first = SendResult.BadArgument;
        Thread sending = new(() => first = mine.Send(FakeHost.Asked, "1"u8, 0, TimeSpan.Zero));
        Thread closing = new(mine.Close);

        sending.Start();
        Assert.True(hasCome.Wait(s_patience));
        closing.Start();
        Assert.True(SpinWait.SpinUntil(
            () => mine.TrySend(FakeHost.Asked, "2"u8, 0) == SendResult.Stopping, s_patience));
        Assert.False(closing.Join(TimeSpan.FromMilliseconds(50)));
        mayGo.Set();
        Assert.True(closing.Join(s_patience));
        Assert.True(sending.Join(s_patience));
        Assert.Equal(SendResult.Ok, first);
    }

    private static unsafe ModuleHost NewModuleHost(FakeHost host) => host.NewModuleHost();

    private static void Live(string text, Action<FakeHost> life) => OnNewThread(() =>
    {
        using FakeHost host = new();

        Assert.Null(host.Load(FakeHost.ModulePath("Plain")));
        Assert.Null(host.Start());
        for (int i = 0; i < Count; i++)
            host.Deliver(text);
        life(host);
        End(host);
    });

    private static void End(FakeHost host)
    {
        host.Stop();
        Assert.Null(host.Unload());
    }

    /// <summary>Without a context, as those of a host are; what it throws comes here.</summary>
    private static void OnNewThread(Action part)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                part();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });

        thread.UnsafeStart();
        thread.Join();
        failure?.Throw();
    }
}
