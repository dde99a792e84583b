// SPDX-License-Identifier: MIT
// Beacon.cs with all that .NET developers are used to: a container, options, a log of its own, a hosted service, JSON.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text.Json.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UniversalModuleHost;

public sealed class BeaconOptions
{
    public string Greeting { get; set; } = "here";

    public int Number { get; set; } = 1;
}

public sealed record Sign(string Greeting, int Number);

[JsonSerializable(typeof(Sign))]
public sealed partial class SignJson : JsonSerializerContext;

[Subscribe(Service)]
public sealed class FullBeacon(ILogger<FullBeacon> logger, IOptionsMonitor<BeaconOptions> options)
    : Module, IConfigureServices
{
    public const string Service = "0b5e0008-7a3c-4f0e-9b1d-52c6e0a17f08";

    private long _start;

    public static void ConfigureServices(IServiceCollection services, IModuleHost host)
    {
        services.Configure<BeaconOptions>(host.Configuration);
        services.AddHostedService<Sender>();
    }

    protected override void OnStart()
    {
        _start = Now();
        logger.LogInformation("sends {Greeting}", options.CurrentValue.Greeting);
    }

    protected override void OnMessage(in Message message)
    {
        KeyValuePair<string, object?>[] pairs = [new("start_ns", _start), new("message_ns", Now())];
        logger.Log(LogLevel.Information, default, pairs, null, (_, _) => "result");
    }

    // Nanoseconds of the clock that everybody else here reads.
    private static long Now() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}

public sealed class Sender(IModuleHost host, IOptionsMonitor<BeaconOptions> options) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        BeaconOptions now = options.CurrentValue;
        Sign sign = new(now.Greeting, now.Number);

        await host.SendAsync(new Guid(FullBeacon.Service), sign, SignJson.Default.Sign, cancellation: stoppingToken);
    }
}
