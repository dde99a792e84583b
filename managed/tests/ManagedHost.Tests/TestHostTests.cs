// SPDX-License-Identifier: MIT
// What a test of a module waits for: its background service, and what that publishes.
using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UniversalModuleHost.Testing;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class TestHostTests
{
    private static readonly Guid s_ticks = new("7e570000-0000-4000-8000-0000000001ff");

    [Fact]
    public async Task A_background_service_is_waited_for()
    {
        await using ModuleTestHost<Ticking> host = new();

        await host.StartAsync();
        for (int i = 1; i <= 20; i++)
        {
            await host.Time.WaitForTimersAsync(1);
            host.Time.Advance(TimeSpan.FromSeconds(5));
            await host.WaitForSentAsync(i);
        }
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"{i}"), host.Sent.Select(sent => sent.Text));
    }

    [Fact]
    public async Task What_does_not_come_is_said()
    {
        await using ModuleTestHost<Ticking> host = new();

        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(
            () => host.WaitForSentAsync(2, TimeSpan.FromMilliseconds(1)));
        Assert.Equal("0 messages were published, where 2 were waited for", late.Message);
        await host.WaitForSentAsync(0, TimeSpan.Zero);
    }

    public sealed class Ticking : Module, IConfigureServices
    {
        public static void ConfigureServices(IServiceCollection services, IModuleHost host) =>
            services.AddHostedService<Ticker>();
    }

    internal sealed class Ticker(IModuleHost host, TimeProvider time) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            for (int i = 1; ; i++)
            {
                await Task.Delay(TimeSpan.FromSeconds(5), time, stoppingToken);
                await host.SendAsync(s_ticks, $"{i}");
            }
        }
    }
}
