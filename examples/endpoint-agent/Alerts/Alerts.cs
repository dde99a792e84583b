// SPDX-License-Identifier: MIT
// Watches the readings and says when a rule of the configuration begins to hold, and when it ends.
using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace EndpointAgent;

/// <summary>The module: readings in, alarms out.</summary>
[Subscribe("7d2f6c1e-3b0a-4e8d-9c55-1f4a6e0b8d21")]
public sealed class Alerts : Module
{
    private static readonly Guid s_alarms = new("b94e0a37-5d1c-4f6b-8a2e-60c7d3f1952c");

    private readonly List<Watch> _watches = [];

    /// <summary>A rule that cannot be used fails the module: whoever wrote it believes that it watches.</summary>
    public Alerts()
    {
        foreach (IConfigurationSection section in Configuration.GetChildren())
        {
            if (section.Key != "Rules")
                throw new FormatException($"{section.Path} is not Rules, the only key there is");
            foreach (IConfigurationSection rule in section.GetChildren())
                _watches.Add(new Watch(Rule.From(rule)));
        }
    }

    /// <inheritdoc/>
    protected override void OnStart() => Logger.LogInformation("watching {Rules} rules", _watches.Count);

    /// <inheritdoc/>
    protected override void OnMessage(in Message message)
    {
        Reading? reading = Reading.From(message.Utf8);
        if (reading is null)
        {
            Logger.LogWarning("not a reading: a message of host {Host}", message.SourceHost);
            return;
        }
        foreach (Watch watch in _watches)
        {
            if (watch.Take(reading))
                Announce(watch, reading.Time);
        }
    }

    /// <summary>What people see of an alarm.</summary>
    private static string Describe(Watch watch) => watch.Holds
        ? $"{watch.Rule.Metric} has been {watch.Rule.Limit} for {watch.Rule.ForSeconds} s"
        : $"{watch.Rule.Metric} is no longer {watch.Rule.Limit}";

    private void Announce(Watch watch, DateTimeOffset time)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("time", time.UtcDateTime);
            json.WriteString("alarm", watch.Rule.Name);
            json.WriteString("state", watch.Holds ? "began" : "ended");
            json.WriteString("text", Describe(watch));
            json.WriteString("metric", watch.Rule.Metric);
            json.WriteNumber("value", watch.Last);
            json.WriteNumber("average", Math.Round(watch.Average, 1));
            json.WriteEndObject();
        }
        SendResult result = Send(s_alarms, buffer.WrittenSpan);
        if (result != SendResult.Ok)
            Logger.LogError("alarm {Alarm} was not sent: {Result}", watch.Rule.Name, result);
    }
}
