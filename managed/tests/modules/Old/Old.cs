// SPDX-License-Identifier: MIT
// Uses all that there was in version 0.1.
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[assembly: ModuleType(typeof(Old.OldModule))]

namespace Old;

[Subscribe("11111111-1111-1111-1111-111111111111")]
public sealed class OldModule : Module, IDisposable
{
    private static readonly Guid s_answers = new("22222222-2222-2222-2222-222222222222");

    protected override IEnumerable<Guid> Services
    {
        get
        {
            foreach (Guid service in base.Services)
                yield return service;
            yield return new Guid("33333333-3333-3333-3333-333333333333");
        }
    }

    public void Dispose() => Logger.LogInformation("disposed");

    protected override async ValueTask OnStartAsync()
    {
        Subscribe(new Guid("44444444-4444-4444-4444-444444444444"));
        Unsubscribe(new Guid("44444444-4444-4444-4444-444444444444"));
        await SendAsync(s_answers, $"{Identity.Name} {Configuration["Key"]} {MaxMessageBytes}");
        await SendAsync(s_answers, "bytes"u8.ToArray(), Sessions.Broker, CancellationToken.None);
    }

    protected override void OnMessage(in Message message)
    {
        Send(s_answers, message.Utf8, message.SourceSession);
        Send(s_answers, $"{message.Service} {message.Session} {message.SourceHost} {message.SourceSlot}");
        TrySend(s_answers, message.Text);
        TrySend(s_answers, Encoding.UTF8.GetBytes("tried"));
    }

    protected override ValueTask OnStopAsync()
    {
        Logger.LogInformation("stopped {Stopping}", Stopping.IsCancellationRequested);
        return default;
    }
}

/// <summary>A host for tests of modules, as one could be written then.</summary>
public sealed class OldHost : IModuleHost
{
    public ModuleIdentity Identity => throw new NotSupportedException();

    public ILogger Logger => throw new NotSupportedException();

    public IConfiguration Configuration => throw new NotSupportedException();

    public CancellationToken Stopping => CancellationToken.None;

    public int MaxMessageBytes => 1;

    public SendResult Send(Guid service, ReadOnlySpan<byte> utf8, uint session, TimeSpan timeout) =>
        SendResult.Full;

    public SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session) =>
        SendResult.Full;

    public ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation) =>
        ValueTask.FromException(new SendException(SendResult.Limit));

    public void Subscribe(Guid service)
    {
    }

    public void Unsubscribe(Guid service)
    {
    }
}
