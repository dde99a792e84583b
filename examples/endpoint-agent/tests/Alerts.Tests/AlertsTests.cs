// SPDX-License-Identifier: MIT
// Readings in, alarms out: the module alone, without a broker.
using System;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using UniversalModuleHost.Testing;
using Xunit;

namespace EndpointAgent.Tests;

public sealed class AlertsTests
{
    private static readonly Guid s_readings = new("7d2f6c1e-3b0a-4e8d-9c55-1f4a6e0b8d21");
    private static readonly Guid s_alarms = new("b94e0a37-5d1c-4f6b-8a2e-60c7d3f1952c");

    private const string Rules =
        """{"Rules": [{"Name": "hot", "Metric": "load", "Above": 2, "ForSeconds": 10}]}""";

    [Fact]
    public async Task A_rule_that_holds_long_enough_is_an_alarm_until_it_ends()
    {
        await using ModuleTestHost<Alerts> host = new(Rules);

        await host.StartAsync();
        await Read(host, seconds: 0, load: 3);
        await Read(host, seconds: 5, load: 3);
        Assert.Empty(host.Sent);
        await Read(host, seconds: 10, load: 4);
        await Read(host, seconds: 15, load: 1);

        Assert.All(host.Sent, message => Assert.Equal(s_alarms, message.Service));
        Assert.Equal(["hot began", "hot ended"], host.Sent.Select(message => Describe(message.Text)));
    }

    [Fact]
    public async Task What_is_no_reading_is_said_and_skipped()
    {
        await using ModuleTestHost<Alerts> host = new(Rules);

        await host.StartAsync();
        Assert.True(await host.DeliverAsync(s_readings, "no JSON"));
        Assert.Empty(host.Sent);
        Assert.Empty(host.Failures);
        Assert.Contains(host.Records, record => record.Text.StartsWith("not a reading"));
    }

    [Fact]
    public void A_rule_that_cannot_be_used_fails_the_module() => Assert.ThrowsAny<Exception>(
        () => new ModuleTestHost<Alerts>("""{"Rules": [{"Metric": "load", "Abvoe": 2}]}"""));

    private static async Task Read(ModuleTestHost<Alerts> host, int seconds, double load)
    {
        DateTimeOffset time = host.Time.GetUtcNow().AddSeconds(seconds);
        string reading = JsonSerializer.Serialize(new { time, load });

        Assert.True(await host.DeliverAsync(s_readings, reading));
    }

    private static string Describe(string alarm)
    {
        using JsonDocument json = JsonDocument.Parse(alarm);
        return $"{json.RootElement.GetProperty("alarm")} {json.RootElement.GetProperty("state")}";
    }
}
