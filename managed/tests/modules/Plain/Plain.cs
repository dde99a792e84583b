// SPDX-License-Identifier: MIT
// Passes each message on as it is.
using System;
using UniversalModuleHost;

public sealed class Plain : Module
{
    private static readonly Guid s_answers = new("22222222-2222-2222-2222-222222222222");

    protected override void OnMessage(in Message message) =>
        Send(s_answers, message.Utf8, message.SourceSession);
}
