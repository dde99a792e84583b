// SPDX-License-Identifier: MIT
// A little of what modules with dependency injection and JSON do, so that the runtime has done it.
using System;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// See <see cref="Warmup"/>. Collections of the container's own value types, which nobody can
/// compile ahead, are half of the time that the first container takes.
/// </summary>
internal static partial class Rehearsal
{
    public static void UseServices()
    {
        ServiceCollection services = new();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<ILoggerFactory>(
            new ModuleLoggers(new ModuleLogger(null, LogLevel.None)));
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddHostedService<Actor>();
        using ServiceProvider provider = services.BuildServiceProvider();
        ActivatorUtilities.CreateInstance(provider, typeof(Actor));
        foreach (IHostedService one in provider.GetServices<IHostedService>())
        {
            one.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
            one.StopAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
    }

    public static void WriteJson() =>
        JsonSerializer.SerializeToUtf8Bytes(new Line("word", 1), LineJson.Default.Line);

    internal sealed record Line(string Text, int Number);

    [JsonSerializable(typeof(Line))]
    internal sealed partial class LineJson : JsonSerializerContext;

    private sealed class Actor(ILogger<Actor> logger, TimeProvider time) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            logger.LogTrace("{Now}", time);
            return Task.CompletedTask;
        }
    }
}
