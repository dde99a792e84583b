// SPDX-License-Identifier: MIT
// Sends back what it is given, as bytes or as text. When it starts it says the address of a function for the shortest
// way from native code into managed and back: what of a message's time is the runtime's.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using UniversalModuleHost;

public sealed unsafe class Mirror : Module
{
    private static readonly Guid Answer = new("0b5e0004-7a3c-4f0e-9b1d-52c6e0a17f04");

    private readonly bool _asText;

    public Mirror() => _asText = Configuration["As"] == "text";

    protected override void OnStart()
    {
        delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, void> shortest = &CallBack;
        Send(Answer, $"{(nint)shortest:x}");
    }

    protected override void OnMessage(in Message message)
    {
        if (_asText)
            Send(message.Service, message.Text);
        else
            Send(message.Service, message.Utf8);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void CallBack(delegate* unmanaged[Cdecl]<nint, void> function, nint argument) => function(argument);
}
