// SPDX-License-Identifier: MIT
// What a file that is no module is told, and what a module reports.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;
using UniversalModuleHost.Testing;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

/// <summary>Base of modules that another assembly derives from it.</summary>
public class BaseModule : Module;

/// <summary>What a hand that is tired writes.</summary>
[Subscribe("not a guid")]
public class Misspelt : Module;

public sealed class LoaderTests : IDisposable
{
    private const string ContractName = "UniversalModuleHost.Abstractions";

    private readonly string _folder = Directory.CreateTempSubdirectory("umh-loader-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Reports_name_version_and_services()
    {
        Assert.Null(FakeHost.LoadBehaviour("{}", out FakeHost host));
        using (host)
        {
            NativeFacts facts = host.Facts;

            Assert.Equal(("Behaviours", "3.2.1"), TextOf(facts));
            Assert.Equal(2u, facts.ServiceCount);
            Assert.Equal(
                [FakeHost.Asked, new Guid("33333333-3333-3333-3333-333333333333")],
                new[] { facts.Services[0].ToGuid(), facts.Services[1].ToGuid() }.Order());
            host.Stop();
            Assert.Null(host.Unload());
        }
    }

    [Fact]
    public void No_module() => AssertRefused(
        Emit(assembly => Define(assembly, "Plain", typeof(object))),
        "has no public class that derives from UniversalModuleHost.Module; "
        + "its public classes are Plain");

    [Fact]
    public void Two_modules() => AssertRefused(
        Emit(
            assembly => Define(assembly, "One", typeof(Module)),
            assembly => Define(assembly, "Two", typeof(Module))),
        "One and Two both derive from Module");

    [Fact]
    public void One_of_two_is_named()
    {
        using FakeHost host = new();

        Assert.Null(host.Load(Emit(
            assembly => Define(assembly, "One", typeof(Module)),
            assembly => Name(assembly, Define(assembly, "Two", typeof(Module))))));
        Assert.Equal(("Emitted", "0.0.0.0"), TextOf(host.Facts));
        host.Stop();
        Assert.Null(host.Unload());
    }

    [Fact]
    public void What_is_named_is_no_module() => AssertRefused(
        Emit(assembly => Name(assembly, Define(assembly, "Plain", typeof(object)))),
        "Plain, which is no module");

    [Fact]
    public void No_constructor() => AssertRefused(
        Emit(assembly => Define(assembly, "Hidden", typeof(Module), MethodAttributes.Private)),
        "no public constructor without parameters");

    [Fact]
    public void Constructor_that_throws()
    {
        string? why = FakeHost.LoadBehaviour("{\"Constructor\": \"throws\"}", out FakeHost host);

        Assert.Contains("InvalidOperationException: the constructor does not like it here", why);
        host.Dispose();
    }

    [Fact]
    public void Service_that_is_no_guid() => AssertRefused(
        Emit(assembly => Define(assembly, "One", typeof(Misspelt))),
        $"[Subscribe(\"not a guid\")] of {typeof(Misspelt).FullName} is no GUID");

    [Fact]
    public void Service_that_is_no_guid_in_a_test() => Assert.Contains(
        "[Subscribe(\"not a guid\")] of ",
        Assert.ThrowsAny<FormatException>(() => new ModuleTestHost<Misspelt>()).Message);

    [Fact]
    public void Missing_dependency()
    {
        string path = Emit(assembly => Define(assembly, "Derived", typeof(BaseModule)));
        byte[] bytes = File.ReadAllBytes(path);

        Replace(bytes, typeof(BaseModule).Assembly.GetName().Name!, "Absent.Dependency");
        File.WriteAllBytes(path, bytes);
        AssertRefused(path, "an assembly that it needs is missing: Absent.Dependency");
    }

    [Fact]
    public void Newer_contract() => AssertRefused(EmitNewer(), BothVersions);

    [Fact]
    public void Newer_contract_that_lies_beside_it()
    {
        string path = EmitNewer();

        File.Copy(typeof(Module).Assembly.Location, Path.Join(_folder, ContractName + ".dll"));
        AssertRefused(path, BothVersions);
    }

    [Fact]
    public void Own_copy_of_the_contract_yields()
    {
        using FakeHost host = new();
        string path = Emit(assembly => Define(assembly, "One", typeof(Module)));

        File.Copy(typeof(Module).Assembly.Location, Path.Join(_folder, ContractName + ".dll"));
        Assert.Null(host.Load(path));
        host.Stop();
        Assert.Null(host.Unload());
    }

    [Fact]
    public void Not_an_assembly()
    {
        string path = Path.Join(_folder, "text.dll");

        File.WriteAllText(path, "not an assembly");
        AssertRefused(path, "not an assembly that this .NET runs");
    }

    private static string BothVersions =>
        $"built against {ContractName} 9.0.0.0, "
        + $"this host has {ContractVersion}: "
        + $"reference version {ContractVersion.Major}.{ContractVersion.Minor}.* of it";

    private static Version ContractVersion => typeof(Module).Assembly.GetName().Version!;

    private static void AssertRefused(string path, string words)
    {
        using FakeHost host = new();

        Assert.Contains(words, host.Load(path));
    }

    private static (string Name, string Version) TextOf(NativeFacts facts) =>
        (Cut(facts.Name), Cut(facts.Version));

    private static string Cut(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]);

    private static TypeBuilder Define(
        PersistedAssemblyBuilder assembly,
        string name,
        Type parent,
        MethodAttributes access = MethodAttributes.Public)
    {
        const BindingFlags Any =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        ModuleBuilder module = (ModuleBuilder?)assembly.GetDynamicModule("main")
            ?? assembly.DefineDynamicModule("main");
        TypeBuilder type = module.DefineType(name, TypeAttributes.Public, parent);
        ILGenerator code = type
            .DefineConstructor(access, CallingConventions.Standard, Type.EmptyTypes)
            .GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Call, parent.GetConstructor(Any, Type.EmptyTypes)!);
        code.Emit(OpCodes.Ret);
        type.CreateType();
        return type;
    }

    private static TypeBuilder Name(PersistedAssemblyBuilder assembly, TypeBuilder type)
    {
        assembly.SetCustomAttribute(
            new CustomAttributeBuilder(typeof(ModuleTypeAttribute).GetConstructors()[0], [type]));
        return type;
    }

    private static void Replace(byte[] bytes, string name, string with)
    {
        Assert.Equal(name.Length, with.Length);
        int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(name));
        Assert.True(at > 0);
        Encoding.UTF8.GetBytes(with).CopyTo(bytes, at);
    }

    private string Emit(params Func<PersistedAssemblyBuilder, TypeBuilder>[] types)
    {
        PersistedAssemblyBuilder assembly =
            new(new AssemblyName("Emitted"), typeof(object).Assembly);
        string path = Path.Join(_folder, "Emitted.dll");

        foreach (Func<PersistedAssemblyBuilder, TypeBuilder> define in types)
            define(assembly);
        assembly.Save(path);
        return path;
    }

    /// <summary>A module whose reference to the contract says version 9.</summary>
    private string EmitNewer()
    {
        string path = Emit(assembly => Define(assembly, "One", typeof(Module)));
        byte[] bytes = File.ReadAllBytes(path);
        using PEReader file = new(new MemoryStream(bytes));
        MetadataReader metadata = file.GetMetadataReader();
        AssemblyReferenceHandle contract = metadata.AssemblyReferences.Single(handle =>
            metadata.GetString(metadata.GetAssemblyReference(handle).Name) == ContractName);
        int index = MetadataTokens.GetRowNumber(contract) - 1;
        int row = metadata.GetTableMetadataOffset(TableIndex.AssemblyRef)
            + (index * metadata.GetTableRowSize(TableIndex.AssemblyRef));

        // Four 16-bit numbers begin the row: 9.0.0.0.
        DirectoryEntry directory = file.PEHeaders.CorHeader!.MetadataDirectory;
        Assert.True(file.PEHeaders.TryGetDirectoryOffset(directory, out int start));
        new byte[] { 9, 0, 0, 0, 0, 0, 0, 0 }.CopyTo(bytes, start + row);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
