// SPDX-License-Identifier: MIT
// What a module can be besides Plain, without dependency injection.
using System;
using System.Collections.Generic;
using System.Text.Json.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;
using UniversalModuleHost;

namespace Receiver;

public sealed record Reading(string Name, double Value);

[JsonSerializable(typeof(Reading))]
internal sealed partial class Json : JsonSerializerContext;

public sealed class ReceiverModule : Module, IReloadState
{
    private static readonly Guid s_asked = new("11111111-1111-1111-1111-111111111111");
    private static readonly Guid s_answers = new("22222222-2222-2222-2222-222222222222");

    private readonly List<IAsyncDisposable> _subscriptions = [];
    private string _state = "fresh";

    public void RestoreState(string state) => _state = state;

    public string? SaveState() => Configuration["Save"] switch
    {
        "nothing" => null,
        "too much" => new string('x', 64 * 1024 + 1),
        "nul" => "a\0b",
        _ => _state + "+",
    };

    protected override async ValueTask OnStartAsync()
    {
        string? mode = Configuration["Mode"];
        if (mode == "json")
        {
            _subscriptions.Add(
                await SubscribeAsync(s_asked, Json.Default.Reading, HandleAsync));
            return;
        }
        if (mode is "handler" or "two")
            _subscriptions.Add(await SubscribeAsync(s_asked, HandleText));
        if (mode == "two")
            _subscriptions.Add(await SubscribeAsync(s_asked, HandleSecond));
        if (mode == "own")
        {
            Subscribe(s_asked);
            _subscriptions.Add(await SubscribeAsync(s_asked, HandleText));
        }
        if (mode == "watch")
            ChangeToken.OnChange(Configuration.GetReloadToken, () => TrySend(s_answers, "changed"));
        if (mode == "state")
            TrySend(s_answers, _state);
    }

    protected override void OnMessage(in Message message)
    {
        if (message.Text == "wait")
            WaitForStop();
        else
            TrySend(s_answers, $"OnMessage {Configuration["Value"]}");
    }

    protected override bool OnConfigure() => Configuration["Mode"] == "configure";

    /// <summary>Ends by the token only.</summary>
    private void WaitForStop()
    {
        TrySend(s_answers, "waiting");
        Task.Delay(Timeout.Infinite, Stopping).GetAwaiter().GetResult();
    }

    private async ValueTask HandleText(string text)
    {
        if (text == "throw")
            throw new InvalidOperationException("the handler does not like it");
        if (text == "end")
        {
            foreach (IAsyncDisposable subscription in _subscriptions)
                await subscription.DisposeAsync();
        }
        await Task.Yield();
        await SendAsync(s_answers, $"handler {text}");
    }

    private ValueTask HandleText(in Message message) => HandleText(message.Text);

    private ValueTask HandleSecond(in Message message)
    {
        TrySend(s_answers, $"second {message.Text}");
        return default;
    }

    private ValueTask HandleAsync(Reading? reading, CancellationToken stopping)
    {
        Send(s_answers, reading! with { Value = reading.Value + 1 }, Json.Default.Reading);
        return default;
    }
}
