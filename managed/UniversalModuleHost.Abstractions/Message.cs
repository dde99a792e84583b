// SPDX-License-Identifier: MIT
// A delivered message.
using System;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace UniversalModuleHost;

/// <summary>
/// A message as it was delivered. It borrows the host's memory and ends with the handler it was
/// given to: keep <see cref="Text"/> or a copy of <see cref="Utf8"/>, never the message.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly ref struct Message
{
    /// <summary>For the host, and for tests of a module.</summary>
    public Message(
        Guid service,
        ReadOnlySpan<byte> utf8,
        uint session = Sessions.Any,
        uint sourceHost = 0,
        ushort sourceSlot = 0,
        uint sourceSession = 0)
    {
        Service = service;
        Utf8 = utf8;
        Session = session;
        SourceHost = sourceHost;
        SourceSlot = sourceSlot;
        SourceSession = sourceSession;
    }

    /// <summary>The service it was published to.</summary>
    public Guid Service { get; }

    /// <summary>Its text as well-formed UTF-8, without a copy.</summary>
    public ReadOnlySpan<byte> Utf8 { get; }

    /// <summary>Its text as a new string, made each time it is asked for.</summary>
    public string Text => Encoding.UTF8.GetString(Utf8);

    /// <summary>The session it was addressed to; may be <see cref="Sessions.Any"/>.</summary>
    public uint Session { get; }

    /// <summary>
    /// Number of the host that sent it, stamped by the broker; 0: the broker or a control client.
    /// </summary>
    public uint SourceHost { get; }

    /// <summary>Number of the module within that host.</summary>
    public ushort SourceSlot { get; }

    /// <summary>Session of the host that sent it, stamped by the broker.</summary>
    public uint SourceSession { get; }

    /// <summary>What its JSON says.</summary>
    /// <param name="type">How it is read; of a source-generated context.</param>
    /// <exception cref="JsonException">It is no JSON of that kind.</exception>
    public T? ReadJson<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Utf8, type);
}
