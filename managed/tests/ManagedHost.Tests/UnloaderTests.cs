// SPDX-License-Identifier: MIT
// A module that was stopped is gone, whatever the runtime remembers of it; or what holds it is
// named.
using System;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class UnloaderTests
{
    [Theory]
    [InlineData("nothing")]
    [InlineData("json")]
    [InlineData("type descriptor")]
    [InlineData("process exit")]
    [InlineData("meter")]
    [InlineData("activities")]
    [InlineData("proxy")]
    [InlineData("regex")]
    [InlineData("thread static")]
    [InlineData("token")]
    [InlineData("short delay")]
    public void Is_gone_after(string trace) => Assert.Null(LifeOf(trace));

    [Fact]
    public void Names_a_running_timer()
    {
        string? why = LifeOf("timer");

        Assert.Contains("timer: Behaviours.Traces.Leave every 100 ms", why);
    }

    [Fact]
    public void Names_who_waits_for_a_delay() =>
        Assert.Contains("a delay that Behaviours.Traces.WaitAsync waits for", LifeOf("delay"));

    [Fact]
    public void Another_runtime_only_makes_a_module_stay()
    {
        Sweep.MissingField = "s_commonSyncObject";
        try
        {
            Assert.NotNull(LifeOf("type descriptor"));
            Assert.Null(LifeOf("json"));
        }
        finally
        {
            Sweep.MissingField = null;
        }
    }

    [Fact]
    public void Says_when_a_module_has_gone_after_all()
    {
        Assert.Contains("a delay", LifeOf("delay of 4 s"));
        AwaitRecord("after it could not be unloaded");
    }

    [Fact]
    public void One_that_could_not_be_loaded_goes_too()
    {
        Assert.NotNull(FakeHost.LoadBehaviour("{\"Constructor\": \"throws\"}", out FakeHost host));
        host.Dispose();
        AwaitRecord("after it could not be loaded");
    }

    [Fact]
    public void The_hosts_own_use_goes_on()
    {
        string before = JsonSerializer.Serialize(new Own("a"));

        Assert.Null(LifeOf("json"));
        Assert.Equal(before, JsonSerializer.Serialize(new Own("a")));
    }

    [Fact]
    public void Fifty_lives_leave_nothing()
    {
        for (int i = 0; i < 50; i++)
            Assert.Null(LifeOf("json"));
    }

    private static void AwaitRecord(string part) => Assert.True(SpinWait.SpinUntil(
        () => FakeHost.HostRecords.Any(text => text.Contains(part)), TimeSpan.FromSeconds(60)));

    private static string? LifeOf(string trace)
    {
        Assert.Null(FakeHost.LoadBehaviour($"{{\"OnStart\": \"{trace}\"}}", out FakeHost host));
        using (host)
        {
            Assert.Null(host.Start());
            host.Deliver("hello");
            host.Stop();
            return host.Unload();
        }
    }

    private sealed record Own(string Name);
}
