// SPDX-License-Identifier: MIT
// What a program finds without a host, and what its handlers may rely on.
using System;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class ProgramTests
{
    private static readonly Guid s_service = new("7e570000-0000-4000-8000-000000000001");

    [Fact]
    public void Without_a_host_it_says_what_to_do()
    {
        Assert.False(UniversalModuleHost.ModuleHost.IsPresent);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(
            () => UniversalModuleHost.ModuleHost.Current);
        Assert.Contains("\"Ui\": true", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>The first message may come before the subscribing thread goes on.</summary>
    [Fact]
    public void A_handler_is_there_before_its_subscription()
    {
        int found = -1;
        MessageHandlers? handlers = null;
        handlers = new MessageHandlers(service => found = handlers!.Find(service).Length, _ => { });
        handlers.Add(s_service, (in Message _) => default);
        Assert.Equal(1, found);
    }

    [Fact]
    public void A_refused_subscription_leaves_no_handler()
    {
        bool isRefused = true;
        MessageHandlers handlers = new(_ => Refuse(isRefused), _ => { });
        Assert.Throws<SendException>(() => handlers.Add(s_service, (in Message _) => default));
        Assert.Empty(handlers.Find(s_service));
        Assert.True(handlers.IsEmpty);

        isRefused = false;
        handlers.Add(s_service, (in Message _) => default);
        Assert.Single(handlers.Find(s_service));
    }

    private static void Refuse(bool isRefused)
    {
        if (isRefused)
            throw new SendException(SendResult.Limit);
    }
}
