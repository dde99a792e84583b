// SPDX-License-Identifier: MIT
// A module with dependency injection: its container, its hosted services, its end.
using System;
using System.Linq;
using System.Threading;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class ServicesTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Hosted_services_run_from_the_start_to_the_stop()
    {
        using FakeHost host = Begin("{}");

        Await(() => host.Records.Any(record => record.Text == "ticks"));
        host.Stop();
        Assert.Equal(
            [
                "OnStart", "first starting", "first start", "first started", "application started",
                "first stopping", "ticker ends", "first stop", "first stopped", "OnStop",
            ],
            host.SentMessages.Select(sent => sent.Text));
        Assert.Contains(host.Records, record => record.Text == "the diary is closed");
        Assert.Null(host.Unload());
    }

    [Fact]
    public void Injected_loggers_write_to_the_log_with_category_and_scope()
    {
        using FakeHost host = Begin("{}");

        host.Deliver("this");
        Logged record = host.Records.Single(record => record.Text == "asked this");
        Assert.Equal("Hosted.HostedModule", record.Pairs["category"]);
        Assert.Equal("17", record.Pairs["request"]);
        Assert.Equal("this", record.Pairs["Question"]);
        Await(() => host.Records.Any(record => record.Text == "ticks"));
        Assert.Equal("clock", host.Records.First(one => one.Text == "ticks").Pairs["category"]);
        End(host);
    }

    [Fact]
    public void Options_follow_the_configuration_and_the_module_stays()
    {
        using FakeHost host = Begin("{\"Options\": {\"Greeting\": \"one\", \"Limit\": 5}}");

        host.Deliver("x");
        Assert.Equal("one 5", host.SentMessages.Last().Text);
        Assert.True(host.Configure("{\"Options\": {\"Greeting\": \"two\", \"Limit\": 6}}"));
        host.Deliver("x");
        Assert.Equal("two 6", host.SentMessages.Last().Text);
        End(host);
    }

    [Fact]
    public void Options_that_are_not_valid_fail_the_start()
    {
        string config = "{\"Options\": {\"Limit\": 1000}}";

        Assert.Null(FakeHost.LoadModule("Hosted", config, out FakeHost host));
        using (host)
        {
            Assert.Contains("Limit must be between 1 and 100", host.Start());
            End(host);
        }
    }

    [Fact]
    public void What_cannot_be_made_fails_the_start()
    {
        Assert.Null(FakeHost.LoadModule("Hosted", "{\"Missing\": \"true\"}", out FakeHost host));
        using (host)
        {
            Assert.Contains("ConcurrentBag", host.Start());
            End(host);
        }
    }

    [Fact]
    public void Services_that_throw_fail_the_load()
    {
        string? why = FakeHost.LoadModule(
            "Hosted", "{\"ConfigureServices\": \"throws\"}", out FakeHost host);

        Assert.Contains("the services do not like it here", why);
        host.Dispose();
    }

    [Fact]
    public void A_background_service_that_throws_is_a_failure_of_the_module()
    {
        using FakeHost host = Begin("{\"Ticker\": \"throws\"}");

        Await(() => !host.Failures.IsEmpty);
        Assert.Contains("Ticker failed", Assert.Single(host.Failures));
        Assert.Contains(host.Records, one => one.Pairs.ContainsKey("exception"));
        End(host);
    }

    [Fact]
    public void Twenty_lives_leave_nothing()
    {
        for (int i = 0; i < 20; i++)
        {
            using FakeHost host = Begin("{}");
            host.Deliver("x");
            End(host);
        }
    }

    private static FakeHost Begin(string config)
    {
        Assert.Null(FakeHost.LoadModule("Hosted", config, out FakeHost host));
        Assert.Null(host.Start());
        return host;
    }

    private static void Await(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, s_patience));

    private static void End(FakeHost host)
    {
        host.Stop();
        Assert.Null(host.Unload());
    }
}
