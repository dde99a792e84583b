// SPDX-License-Identifier: MIT
// The smallest module in C#: answers each message on a second service.
using System;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("11111111-1111-1111-1111-111111111111")]
public sealed class Echo : Module
{
    private static readonly Guid Answers = new("22222222-2222-2222-2222-222222222222");

    protected override void OnStart() =>
        Logger.LogInformation("Echo prefixes with {Prefix}", Configuration["Prefix"]);

    protected override void OnMessage(in Message message) =>
        Send(Answers, $"{Configuration["Prefix"]}{message.Text}", message.SourceSession);
}
