// SPDX-License-Identifier: MIT
// What a test sees of a module: what it sent, what it logged, what it threw.
using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Testing;

/// <summary>A message that the module published.</summary>
/// <param name="Service">The service it went to.</param>
/// <param name="Text">Its text.</param>
/// <param name="Session">The session it went to.</param>
public sealed record SentMessage(Guid Service, string Text, uint Session)
{
    /// <summary>What its JSON says.</summary>
    public T? ReadJson<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Text, type);
}

/// <summary>A record of the module's log.</summary>
/// <param name="Level">Its level.</param>
/// <param name="Category">Whose logger it was; empty: the module's own.</param>
/// <param name="Text">The message.</param>
/// <param name="Values">The values in it, by name.</param>
/// <param name="Exception">What was logged with it.</param>
public sealed record LogEntry(
    LogLevel Level,
    string Category,
    string Text,
    IReadOnlyDictionary<string, object?> Values,
    Exception? Exception);

/// <summary>A callback of the module that threw.</summary>
/// <param name="What">Which.</param>
/// <param name="Exception">What it threw.</param>
public sealed record Failure(string What, Exception Exception);
