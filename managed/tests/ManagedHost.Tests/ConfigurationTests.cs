// SPDX-License-Identifier: MIT
// JSON becomes the keys and values that Microsoft's own provider makes of it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{\"a\":1}")]
    [InlineData(" { \"a\" : [ 1 , -2.5e+10 , true , false , \"x\" ] } \n")]
    [InlineData("{\"a\":{\"b\":{\"c\":[[1,2],[3]]}},\"d\":\"e\"}")]
    [InlineData("{\"a\":[{\"b\":1},{\"b\":2}],\"a2\":0}")]
    [InlineData("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 é\"}")]
    [InlineData("{\"key with spaces: and colons\":\"v\"}")]
    [InlineData("{\"a\":\"\",\"b\":\" \"}")]
    public void Is_what_the_provider_makes_of_it(string json)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json));
        IConfigurationRoot expected = new ConfigurationBuilder().AddJsonStream(stream).Build();
        ModuleConfiguration configuration = new(json);

        Assert.Equal(Pairs(expected), Pairs(configuration));
    }

    [Fact]
    public void Keys_have_no_case_and_null_is_no_value()
    {
        ModuleConfiguration configuration =
            new("{\"Outer\":{\"Key\":\"v\",\"Nothing\":null,\"Empty\":[]}}");

        Assert.Equal("v", configuration["outer:KEY"]);
        Assert.Null(configuration["Outer:Nothing"]);
        Assert.Null(configuration["Outer:Empty"]);
        Assert.Equal(3, configuration.GetSection("Outer").GetChildren().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"a\"}")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\":1")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\":\"x}")]
    [InlineData("{\"a\":\"\\x\"}")]
    [InlineData("{\"a\":\"\\u12\"}")]
    [InlineData("{\"a\":nil}")]
    [InlineData("{} {}")]
    public void Says_that_it_is_no_object(string json) =>
        Assert.Throws<FormatException>(() => new ModuleConfiguration(json));

    [Fact]
    public void Depth_has_a_limit()
    {
        string deep = "{\"a\":" + new string('[', 64) + new string(']', 64) + "}";

        Assert.Throws<FormatException>(() => new ModuleConfiguration(deep));
    }

    private static List<KeyValuePair<string, string?>> Pairs(IConfiguration configuration) =>
        [.. configuration.AsEnumerable().OrderBy(pair => pair.Key, StringComparer.Ordinal)];
}
