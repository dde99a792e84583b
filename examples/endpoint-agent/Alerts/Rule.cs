// SPDX-License-Identifier: MIT
// What is watched for, as the configuration says it.
using System;
using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace EndpointAgent;

/// <summary>A metric that is above, or below, a value for some time.</summary>
internal sealed record Rule(string Name, string Metric, double Value, bool IsAbove, double ForSeconds)
{
    public string Limit => string.Create(CultureInfo.InvariantCulture, $"{(IsAbove ? "above" : "below")} {Value}");

    public bool Matches(double value) => IsAbove ? value > Value : value < Value;

    /// <exception cref="FormatException">A key is missing, unknown or no number.</exception>
    public static Rule From(IConfigurationSection section)
    {
        foreach (IConfigurationSection key in section.GetChildren())
        {
            if (key.Key is not ("Name" or "Metric" or "Above" or "Below" or "ForSeconds"))
                throw new FormatException($"{key.Path} is none of Name, Metric, Above, Below and ForSeconds");
        }
        string metric = section["Metric"] ?? throw new FormatException($"{section.Path} has no Metric");
        double? above = Number(section, "Above");
        double? below = Number(section, "Below");
        if (above is null == below is null)
            throw new FormatException($"{section.Path} needs one of Above and Below");
        return new Rule(
            section["Name"] ?? metric,
            metric,
            above ?? below ?? 0,
            IsAbove: above is not null,
            Number(section, "ForSeconds") ?? 0);
    }

    private static double? Number(IConfigurationSection section, string key)
    {
        if (section[key] is not { } text)
            return null;
        return double.TryParse(text, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new FormatException($"{section.Path}:{key} is no number: {text}");
    }
}
