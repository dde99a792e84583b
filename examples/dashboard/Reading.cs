// SPDX-License-Identifier: MIT
// What Meter publishes and Dashboard shows: each has it compiled in, none refers to the other.
using System;
using System.Text.Json.Serialization;

internal static class Bus
{
    public const string Commands = "5c1f0b52-9a3e-4d6c-8f14-7be2d0a9c312";

    public static readonly Guid Readings = new("5c1f0b52-9a3e-4d6c-8f14-7be2d0a9c311");
}

/// <summary>In percent, now and at most since the last reset, and how many readings ago that was.</summary>
internal sealed record Reading(
    double Processor, double ProcessorPeak, double Memory, double MemoryPeak, int Count);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Reading))]
internal sealed partial class Json : JsonSerializerContext;
