// SPDX-License-Identifier: MIT
// Uses of libraries that remember types: serializers, containers, expressions, mappers.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.ComponentModel;
using System.IO;
using System.Linq.Expressions;
using System.Net.Http;
using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using System.Xml.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Lingering;

[DataContract]
public sealed class Contract
{
    [DataMember]
    public string Name { get; set; } = "a";
}

[JsonSerializable(typeof(Payload))]
internal sealed partial class PayloadContext : JsonSerializerContext
{
}

public class Proxy : DispatchProxy
{
    protected override object? Invoke(MethodInfo? method, object?[]? arguments) => 3;
}

internal static partial class Libraries
{
    private static readonly Payload s_payload = new("a", 1);

    private static readonly Regex s_regex = new("a+b", RegexOptions.Compiled);

    public static readonly Dictionary<string, Action> All = new()
    {
        ["regex"] = () => _ = new Regex("a+c", RegexOptions.Compiled).IsMatch("aac")
            && s_regex.IsMatch("aab") && Generated().IsMatch("aad"),
        ["expression"] = () =>
        {
            ParameterExpression payload = Expression.Parameter(typeof(Payload));
            Expression name = Expression.Property(payload, nameof(Payload.Name));
            Expression.Lambda<Func<Payload, string>>(name, payload).Compile()(s_payload);
        },
        ["http"] = () =>
        {
            HttpClient client = new();
            client.DefaultRequestHeaders.Add("x-payload", s_payload.Name);
        },
        ["xml"] = () =>
            new XmlSerializer(typeof(Contract)).Serialize(new StringWriter(), new Contract()),
        ["data contract"] = () =>
            new DataContractSerializer(typeof(Contract)).WriteObject(Stream.Null, new Contract()),
        ["json"] = () =>
            JsonSerializer.Deserialize<Payload>(JsonSerializer.Serialize(s_payload)),
        ["json source"] = () =>
            JsonSerializer.Serialize(s_payload, PayloadContext.Default.Payload),
        ["newtonsoft tree"] = () => _ = JObject.Parse("""{"Name": "a"}""")["Name"],
        ["newtonsoft"] = () =>
            JsonConvert.DeserializeObject<Payload>(JsonConvert.SerializeObject(s_payload)),
        ["properties"] = () => TypeDescriptor.GetProperties(typeof(Payload)),
        ["converter"] = () => TypeDescriptor.GetConverter(typeof(Payload)),
        ["attributes"] = () => TypeDescriptor.GetAttributes(typeof(Payload)),
        ["add attributes"] = () =>
            TypeDescriptor.AddAttributes(typeof(Payload), new DescriptionAttribute("a")),
        ["proxy"] = () => DispatchProxy.Create<ICalculator, Proxy>().Add(1, 2),
        ["container"] = () => NewProvider().Dispose(),
        ["container kept"] = () => Mapper.Provider = NewProvider(),
        ["mapper"] = Mapper.Use,
        ["dynamic"] = () =>
        {
            dynamic payload = s_payload;
            string name = payload.Name;
            payload.ToString();
        },
    };

    [GeneratedRegex("a+d")]
    private static partial Regex Generated();

    private static ServiceProvider NewProvider()
    {
        ServiceProvider provider = new ServiceCollection()
            .AddSingleton(s_payload).AddTransient<Contract>().BuildServiceProvider();
        provider.GetRequiredService<Payload>();
        provider.GetRequiredService<Contract>();
        return provider;
    }

    /// <summary>
    /// What an object mapper keeps: models by type, compiled accessors, a container, in statics.
    /// </summary>
    private static class Mapper
    {
        private static readonly ConcurrentDictionary<Type, Func<object, object?>> s_accessors = [];

        public static ServiceProvider? Provider { get; set; }

        public static void Use()
        {
            Provider = NewProvider();
            foreach (object thing in new object[] { new Payload("a", 1), new Contract() })
                s_accessors.GetOrAdd(thing.GetType(), Compile)(thing);
        }

        private static Func<object, object?> Compile(Type type)
        {
            ParameterExpression thing = Expression.Parameter(typeof(object));
            Expression name = Expression.Property(Expression.Convert(thing, type), "Name");
            return Expression.Lambda<Func<object, object?>>(name, thing).Compile();
        }
    }
}
