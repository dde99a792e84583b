// SPDX-License-Identifier: MIT
// What was built against an earlier contract goes on: its surface is there, and a module runs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

public sealed class CompatibilityTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic
        | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void A_module_of_version_0_1_runs()
    {
        Assert.Null(FakeHost.LoadModule("Old", "{\"Key\":\"value\"}", out FakeHost host));
        using (host)
        {
            Assert.Equal(2u, host.Facts.ServiceCount);
            Assert.Null(host.Start());
            host.Deliver("x");
            host.Stop();
            Assert.Null(host.Unload());
            Assert.Equal(
                [
                    $"Given value {FakeHost.MaxMessageBytes}", "bytes", "x",
                    $"{FakeHost.Asked} 2 9 1", "x", "tried",
                ],
                host.SentMessages.Select(sent => sent.Text));
            Assert.Equal(
                ["stopped True", "disposed"], host.Records.Select(record => record.Text));
        }
    }

    [Fact]
    public void A_host_of_version_0_1_has_what_was_added()
    {
        AssemblyLoadContext context = new("old", isCollectible: true);
        Assembly old = context.LoadFromAssemblyPath(FakeHost.ModulePath("Old"));
        IModuleHost host = (IModuleHost)Activator.CreateInstance(old.GetType("Old.OldHost")!)!;

        Assert.Same(TimeProvider.System, host.Time);
        Assert.Throws<NotSupportedException>(() => { _ = host.SubscribeAsync(default, null!); });
        context.Unload();
    }

    [Fact]
    public void Nothing_of_version_0_1_has_gone()
    {
        string now = typeof(Module).Assembly.Location;
        string then = Path.Join(AppContext.BaseDirectory, "contract-0.1", Path.GetFileName(now));
        PathAssemblyResolver resolver = new(
            Directory.GetFiles(RuntimeEnvironment.GetRuntimeDirectory(), "*.dll")
                .Concat(Directory.GetFiles(AppContext.BaseDirectory, "Microsoft.Extensions.*.dll")));
        using MetadataLoadContext oldContext = new(resolver);
        using MetadataLoadContext newContext = new(resolver);
        Assembly old = oldContext.LoadFromAssemblyPath(then);

        Assert.Equal(new Version(0, 1, 0, 0), old.GetName().Version);
        Assert.Empty(SurfaceOf(old).Except(SurfaceOf(newContext.LoadFromAssemblyPath(now))));
    }

    /// <summary>
    /// What a module can name: types and members with their signatures, and values of constants.
    /// What is internal besides being protected is called by the host.
    /// </summary>
    private static IEnumerable<string> SurfaceOf(Assembly assembly)
    {
        foreach (Type type in assembly.GetExportedTypes())
        {
            yield return $"{type} : {type.BaseType} sealed {type.IsSealed}";
            foreach (MemberInfo member in type.GetMembers(All))
            {
                string? value = member switch
                {
                    MethodBase { IsPublic: true } or MethodBase { IsFamily: true }
                        or MethodBase { IsFamilyOrAssembly: true } => string.Empty,
                    FieldInfo { IsPublic: true, IsLiteral: true } field =>
                        $" = {field.GetRawConstantValue()}",
                    _ => null,
                };
                if (value is not null)
                    yield return $"{type}::{member}{value}";
            }
        }
    }
}
