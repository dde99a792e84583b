// A module of the Universal Module Host: answers each message on a second service.
using System;
using UniversalModuleHost;

[Subscribe(Questions)]
public sealed class MyModule : Module
{
    public const string Questions = "7c1e3b5a-2d4f-4a6b-8c0d-1e2f3a4b5c6d";
    public const string Answers = "b5d2f7e9-6a1c-4e3d-9f80-2c4b6d8e0a1f";

    private static readonly Guid answers = new(Answers);

    protected override void OnMessage(in Message message) =>
        Send(answers, $"MyModule: {message.Text}", message.SourceSession);
}
