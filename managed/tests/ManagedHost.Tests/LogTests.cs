// SPDX-License-Identifier: MIT
// Logger, console and configuration of a module.
using System.Linq;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class LogTests
{
    [Fact]
    public void A_record_has_pairs_scopes_event_and_exception()
    {
        using FakeHost host = Run("{\"OnMessage\": \"log\"}", "this");
        Logged record = host.Records.First();

        Assert.Equal(3, record.Level);
        Assert.Equal("it says this 1.5", record.Text);
        Assert.Equal("this", record.Pairs["Text"]);
        Assert.Equal("1.5", record.Pairs["Number"]);
        Assert.Equal("17", record.Pairs["request"]);
        Assert.Equal("inner scope", record.Pairs["scope"]);
        Assert.Equal("Alarm", record.Pairs["event"]);
        Assert.Contains("System.FormatException: bad", record.Pairs["exception"]);
    }

    [Fact]
    public void Values_that_throw_and_levels_below_do_no_harm()
    {
        using FakeHost host = Run("{\"OnMessage\": \"log\"}", "this");

        Assert.DoesNotContain(host.Records, record => record.Text.Contains("below the level"));
        Assert.Equal(
            "(Broken.ToString threw NotSupportedException)",
            host.Records.ElementAt(1).Pairs["Broken"]);
    }

    [Fact]
    public void The_console_is_the_log()
    {
        using FakeHost host = Run("{\"OnMessage\": \"console\"}", "line\r\nanother");

        Assert.Equal(
            [(2, "one line"), (2, "another"), (3, "to the other")],
            host.Records.Take(3).Select(record => (record.Level, record.Text)));
        Assert.Equal(2, host.Records.Last().Level);
        Assert.Equal("without an end", host.Records.Last().Text);
    }

    [Fact]
    public void Configuration_is_read_by_path()
    {
        using FakeHost host = Run(
            "{\"OnMessage\": \"configuration\", "
                + "\"Nested\": {\"List\": [1, \"two\"], \"Truth\": true}}",
            "x");

        Assert.Equal("two True", Assert.Single(host.SentMessages).Text);
    }

    private static FakeHost Run(string config, string message)
    {
        Assert.Null(FakeHost.LoadBehaviour(config, out FakeHost host));
        Assert.Null(host.Start());
        host.Deliver(message);
        host.Stop();
        Assert.Null(host.Unload());
        return host;
    }
}
