// SPDX-License-Identifier: MIT
// A module that was stopped is gone, whatever the runtime remembers of it; or what holds it is
// named.
using System;
using System.Diagnostics.Metrics;
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

    [Theory]
    [InlineData("s_commonSyncObject", "type descriptor")]
    [InlineData("s_allMeters", "meter")]
    [InlineData("s_allListeners", "activities")]
    [InlineData("s_alcProxyAssemblyMap", "proxy")]
    public void Another_runtime_only_makes_a_module_stay(string missing, string trace)
    {
        Sweep.MissingField = missing;
        try
        {
            Assert.NotNull(LifeOf(trace));
            Assert.Null(LifeOf("json"));
        }
        finally
        {
            Sweep.MissingField = null;
        }
    }

    [Fact]
    public void A_part_of_the_sweep_that_throws_leaves_the_others()
    {
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Meter.Name == "behaviours")
                    self.EnableMeasurementEvents(instrument);
            },
            MeasurementsCompleted = static (_, _) => throw new NotSupportedException("no end"),
        };

        listener.Start();
        Assert.Null(LifeOf("meter and handlers"));
        Assert.Contains(FakeHost.HostRecords, text =>
            text.StartsWith("sweep of System.Diagnostics.DiagnosticSource")
            && text.Contains("NotSupportedException: no end"));
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
