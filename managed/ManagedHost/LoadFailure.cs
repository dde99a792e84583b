// SPDX-License-Identifier: MIT
// What it means that a module's assembly was not taken, for the person who configured it.
using System;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.Loader;
using System.Runtime.Versioning;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Looks at the file only once it has failed: a module that loads pays nothing for it.
/// </summary>
internal sealed class LoadFailure
{
    private const string NetFramework = ".NETFramework";
    private const string NetCoreApp = ".NETCoreApp";
    private const string AspNetCore = "Microsoft.AspNetCore.App";

    private readonly string _path;
    private readonly string _folder;

    /// <param name="path">Of the module's assembly.</param>
    /// <param name="folder">Where the person knows it, which is not the store.</param>
    public LoadFailure(string path, string folder)
    {
        _path = path;
        _folder = folder.Length > 0 ? folder : Path.GetDirectoryName(path) ?? string.Empty;
    }

    /// <summary>Whether this process was started with its framework.</summary>
    public static bool HasAspNetCore =>
        AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") is string known
        && known.Contains("Microsoft.AspNetCore.dll", StringComparison.Ordinal);

    private static string Here => $".NET {Environment.Version}";

    public string Explain(Exception exception) => ExplainImage() ?? ExplainCause(exception);

    /// <summary>The cause in the words of whoever packs a module; null: nothing to add.</summary>
    public string? ExplainMissing(Exception exception) => exception switch
    {
        FileNotFoundException { FileName: { Length: > 0 } name } => ExplainMissing(name),
        FileLoadException { FileName: { Length: > 0 } name } => ExplainUnloadable(name, exception),
        TypeInitializationException { InnerException: { } inner } => ExplainMissing(inner),
        _ => null,
    };

    /// <summary>An assembly without a module: what is in it instead.</summary>
    public static string DescribeTypes(Assembly assembly, Func<Type, bool> isModule)
    {
        Type[] all = assembly.GetTypes();
        string? near = all.FirstOrDefault(isModule)?.FullName;
        if (near is not null)
            return $"{near} does, and is not public";
        near = all.FirstOrDefault(type => type.IsSubclassOf(typeof(Module)))?.FullName;
        if (near is not null)
            return $"{near} does, and is abstract or generic";
        string[] found = assembly.GetExportedTypes()
            .Where(type => type.IsClass)
            .Select(type => type.FullName!)
            .Take(4)
            .ToArray();
        return found.Length switch
        {
            0 => "it has no public class at all",
            4 => $"its public classes are {string.Join(", ", found[..3])} and others",
            _ => $"its public classes are {string.Join(", ", found)}",
        };
    }

    private static string? ExplainFramework(MetadataReader metadata)
    {
        if (FindFramework(metadata) is not { } framework)
            return null;
        if (framework.Identifier == NetFramework)
            return $"it is built for .NET Framework {framework.Version}, which {Here} does not "
                + $"run: build it for net{Environment.Version.Major}.0";
        if (framework.Identifier == NetCoreApp
            && framework.Version.Major > Environment.Version.Major)
            return $"it is built for .NET {framework.Version}, and this host runs {Here}: build it "
                + $"for net{Environment.Version.Major}.0, or install a Universal Module Host for "
                + $".NET {framework.Version.Major}";
        return null;
    }

    /// <summary>
    /// By its attribute or, where it is older than that, by the library that all types come from.
    /// </summary>
    private static FrameworkName? FindFramework(MetadataReader metadata)
    {
        AssemblyDefinition assembly = metadata.GetAssemblyDefinition();
        foreach (CustomAttributeHandle handle in assembly.GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            if (IsTargetFramework(metadata, attribute))
                return Parse(ReadText(metadata, attribute));
        }
        foreach (AssemblyReferenceHandle handle in metadata.AssemblyReferences)
        {
            AssemblyReference reference = metadata.GetAssemblyReference(handle);
            if (metadata.GetString(reference.Name) == "mscorlib")
                return new FrameworkName(NetFramework, reference.Version);
        }
        return null;
    }

    private static bool IsTargetFramework(MetadataReader metadata, CustomAttribute attribute) =>
        attribute.Constructor.Kind == HandleKind.MemberReference
        && metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent
            is { Kind: HandleKind.TypeReference } parent
        && metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)parent).Name)
            == nameof(TargetFrameworkAttribute);

    private static string? ReadText(MetadataReader metadata, CustomAttribute attribute)
    {
        BlobReader blob = metadata.GetBlobReader(attribute.Value);
        blob.ReadUInt16(); // The prolog.
        return blob.ReadSerializedString();
    }

    private static FrameworkName? Parse(string? name)
    {
        try
        {
            return name is null ? null : new FrameworkName(name);
        }
        catch (ArgumentException)
        {
            return null; // Not in the form of a framework's name: nothing to say about it.
        }
    }

    private static string? ExplainFlags(CorFlags flags)
    {
        if ((flags & (CorFlags.ILOnly | CorFlags.ILLibrary)) == 0)
            return "it mixes managed with native code (C++/CLI), which only .NET on Windows runs: "
                + "keep the native part in a library of its own and call it by P/Invoke";
        if ((flags & CorFlags.Requires32Bit) != 0 && (flags & CorFlags.Prefers32Bit) == 0
            && Environment.Is64BitProcess)
            return "it is marked as 32-bit only (x86), and this host is 64-bit: build it with "
                + "<PlatformTarget>AnyCPU</PlatformTarget>";
        return null;
    }

    private static string Short(string fullName)
    {
        AssemblyName name = new(fullName);
        return name.Version is { } version ? $"{name.Name} {version}" : fullName;
    }

    private static bool IsShared(string fullName, [NotNullWhen(true)] out string? mine)
    {
        string name = fullName.Split(',')[0];
        mine = SharedAssemblies.Contains(name)
            ? AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(name)).FullName!
            : null;
        return mine is not null;
    }

    private string? ExplainImage()
    {
        try
        {
            using PEReader image = new(File.OpenRead(_path));
            if (!image.HasMetadata || image.PEHeaders.CorHeader is not { } header)
                return null;
            MetadataReader metadata = image.GetMetadataReader();
            return ExplainFlags(header.Flags)
                ?? (metadata.IsAssembly
                    ? ExplainFramework(metadata)
                    : "it is a part of an assembly (a netmodule), not one");
        }
        catch (Exception exception) when (exception is BadImageFormatException or IOException)
        {
            return null; // Then the runtime's own words are all there is.
        }
    }

    private string ExplainCause(Exception exception) => exception switch
    {
        BadImageFormatException => $"not an assembly that this .NET runs: {exception.Message}",
        ReflectionTypeLoadException { LoaderExceptions: [{ } first, ..] } => ExplainCause(first),
        TargetInvocationException { InnerException: { } inner } => ExplainCause(inner),
        TypeInitializationException { InnerException: { } inner } => ExplainCause(inner),
        LoadException or SubscribeException => exception.Message,
        _ when ExplainMissing(exception) is { } missing => missing,
        TypeLoadException or MissingMemberException =>
            $"built against another version of what it uses: {exception.Message}",
        _ => $"its constructor failed: {HostLog.Describe(exception)}",
    };

    private string ExplainMissing(string fullName)
    {
        if (FindFrameworkOf(fullName.Split(',')[0]) is { } framework)
            return $"{Short(fullName)} is part of the framework {framework}, without which this "
                + $"process runs: add {framework} to DotNet.Frameworks of its host, or build the "
                + $"module with <FrameworkReference Include=\"{framework}\" />, whose "
                + $"{Path.GetFileNameWithoutExtension(_path)}.runtimeconfig.json then says it";
        string listing = Path.GetFileNameWithoutExtension(_path) + ".deps.json";
        string listed = File.Exists(Path.ChangeExtension(_path, ".deps.json"))
            ? $"where {listing} says"
            : $"without a {listing}";
        return $"an assembly that it needs is missing: {Short(fullName)}; looked in {_folder} "
            + $"({listed}) and in {Here}; `dotnet publish` puts a module's packages beside it";
    }

    /// <summary>
    /// The framework that an assembly is known to come with; packages of the same family are none.
    /// </summary>
    private static string? FindFrameworkOf(string name) => name switch
    {
        _ when HasAspNetCore => null,
        "Microsoft.AspNetCore" => AspNetCore,
        _ when name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) => AspNetCore,
        _ => null,
    };

    private static string ExplainUnloadable(string fullName, Exception exception) =>
        IsShared(fullName, out string? mine)
            ? $"it needs {Short(fullName)}; this host shares {Short(mine)} with its modules"
            : $"an assembly that it needs cannot be loaded: {Short(fullName)} "
                + $"({exception.Message})";
}
