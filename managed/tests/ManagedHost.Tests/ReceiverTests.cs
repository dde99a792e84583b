// SPDX-License-Identifier: MIT
// Handlers of services, JSON, a changed configuration, a state for the successor, the stop.
using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class ReceiverTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_handler_takes_the_messages_of_its_service() => Live("handler", host =>
    {
        host.Deliver("x");
        Assert.Equal(["handler x"], Texts(host));
        Assert.True(Assert.Single(host.SentMessages).IsInside);
        Assert.Equal([(FakeHost.Asked, true)], host.Subscriptions);
    });

    [Fact]
    public void Two_handlers_are_called_in_order() => Live("two", host =>
    {
        host.Deliver("x");
        Assert.Equal(["handler x", "second x"], Texts(host));
    });

    [Fact]
    public void A_handler_that_throws_is_a_failure() => Live("two", host =>
    {
        host.Deliver("throw");
        Assert.Equal(["second throw"], Texts(host));
        Assert.Contains("the handler does not like it", Assert.Single(host.Failures));
    });

    [Fact]
    public void Without_handlers_the_service_is_let_go() => Live("two", host =>
    {
        host.Deliver("end");
        Assert.Equal([true, false], host.Subscriptions.Select(change => change.IsWanted));
        host.Deliver("x");
        Assert.Equal("OnMessage ", Texts(host).Last());
    });

    [Fact]
    public void A_service_of_the_modules_own_is_kept() => Live("own", host =>
    {
        host.Deliver("end");
        Assert.Equal([true], host.Subscriptions.Select(change => change.IsWanted));
        host.Deliver("x");
        Assert.Equal("OnMessage ", Texts(host).Last());
    });

    [Fact]
    public void Json_comes_and_goes_as_values() => Live("json", host =>
    {
        host.Deliver("{\"Name\":\"a\",\"Value\":1.5}");
        Assert.Equal(["{\"Name\":\"a\",\"Value\":2.5}"], Texts(host));
        host.Deliver("no JSON");
        Assert.Contains("JsonException", Assert.Single(host.Failures));
    });

    [Fact]
    public void A_module_that_watches_takes_a_change_over() => Live("watch", host =>
    {
        Assert.True(host.Configure("{\"Mode\":\"watch\",\"Value\":\"new\"}"));
        Assert.Equal(["changed"], Texts(host));
    });

    [Fact]
    public void A_module_that_says_so_takes_a_change_over() => Live("none", host =>
    {
        Assert.True(host.Configure("{\"Mode\":\"configure\",\"Value\":\"new\"}"));
        host.Deliver("x");
        Assert.Equal(["OnMessage new"], Texts(host));
    });

    [Fact]
    public void Another_is_to_be_reloaded() =>
        Live("none", host => Assert.False(host.Configure("{\"Value\":\"new\"}")));

    [Theory]
    [InlineData("", "fresh+", 0)]
    [InlineData("nothing", null, 0)]
    [InlineData("too much", null, 1)]
    [InlineData("nul", null, 1)]
    public void A_reload_saves_a_state(string save, string? expected, int failures)
    {
        using FakeHost host = Begin($"{{\"Save\":\"{save}\"}}");

        host.Stop(isReload: true);
        Assert.Equal(expected, host.LeftState);
        Assert.Equal(failures, host.Failures.Count);
        Assert.Null(host.Unload());
    }

    [Fact]
    public void A_stop_saves_none()
    {
        using FakeHost host = Begin("{}");

        host.Stop();
        Assert.Null(host.LeftState);
        Assert.Null(host.Unload());
    }

    [Fact]
    public void A_successor_finds_the_state()
    {
        using FakeHost host = new("{\"Mode\":\"state\"}") { ReloadState = "left" };

        Assert.Null(host.Load(FakeHost.ModulePath("Receiver")));
        Assert.Null(host.Start());
        Assert.Equal(["left"], Texts(host));
        End(host);
    }

    [Fact]
    public void A_stop_wakes_a_handler_that_awaits_the_token()
    {
        using FakeHost host = Begin("{}");
        Task handling = Task.Run(() => host.Deliver("wait"));

        Assert.True(SpinWait.SpinUntil(() => !host.SentMessages.IsEmpty, s_patience));
        host.BeginStop();
        Assert.True(handling.Wait(s_patience));
        Assert.Empty(host.Failures);
        End(host);
    }

    private static string[] Texts(FakeHost host) => [.. host.SentMessages.Select(one => one.Text)];

    private static void Live(string mode, Action<FakeHost> life)
    {
        using FakeHost host = Begin($"{{\"Mode\":\"{mode}\"}}");
        life(host);
        End(host);
    }

    private static FakeHost Begin(string config)
    {
        Assert.Null(FakeHost.LoadModule("Receiver", config, out FakeHost host));
        Assert.Null(host.Start());
        return host;
    }

    private static void End(FakeHost host)
    {
        host.Stop();
        Assert.Null(host.Unload());
    }
}
