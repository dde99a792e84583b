// SPDX-License-Identifier: MIT
// A message of the service "readings": {"time":..., and numbers}.
using System;
using System.Collections.Generic;
using System.Text.Json;

namespace EndpointAgent;

/// <summary>Values by the names that rules use.</summary>
internal sealed record Reading(DateTimeOffset Time, IReadOnlyDictionary<string, double> Values)
{
    /// <summary>Null: not a reading. Whoever may publish can publish anything.</summary>
    public static Reading? From(ReadOnlySpan<byte> utf8)
    {
        Dictionary<string, double> values = [];
        DateTimeOffset? time = null;
        Utf8JsonReader json = new(utf8);
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
                return null;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                json.Read();
                if (name == "time" && json.TokenType == JsonTokenType.String)
                    time = json.TryGetDateTimeOffset(out DateTimeOffset at) ? at : null;
                else if (json.TokenType == JsonTokenType.Number && double.IsFinite(json.GetDouble()))
                    values[name] = json.GetDouble();
                json.Skip();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second is what half a surrogate in a key comes to.
            return null;
        }
        return time is { } known ? new Reading(known, values) : null;
    }
}
