// SPDX-License-Identifier: MIT
// What the host calls. No exception crosses: each of these ends what comes from inside.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

internal static unsafe class EntryPoints
{
    private const int Done = 0;
    private const int Refused = 1;

    public static NativeCalls Table() => new()
    {
        Size = (uint)sizeof(NativeCalls),
        Version = NativeCalls.CurrentVersion,
        Load = &Load,
        Start = &Start,
        OnMessage = &OnMessage,
        Stop = &Stop,
        Unload = &Unload,
        Configure = &Configure,
        BeginStop = &BeginStop,
    };

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Load(NativeLoad* load, NativeFacts* facts, nint* handle, byte* why)
    {
        try
        {
            if (!Border.IsMine(load, facts))
                return Refuse(why, "ManagedHost.dll is not of this host's version");
            string path = Border.ToText(load->Path);
            string config = Border.ToText(load->Config);
            ModuleHost host = new(load->Host, config, (LogLevel)load->LogLevel)
            {
                ReloadState = load->State == null ? null : Border.ToText(load->State),
            };
            ManagedModule module = ModuleLoader.Load(host, path, out ModuleFacts found);
            Border.Put(found.Name, facts->Name);
            Border.Put(found.Version, facts->Version);
            NativeGuid* services = (NativeGuid*)&facts->Services;
            for (int i = 0; i < module.ServiceCount; i++)
                services[i] = module.Services[i];
            facts->ServiceCount = (uint)module.ServiceCount;
            *handle = GCHandle<ManagedModule>.ToIntPtr(new GCHandle<ManagedModule>(module));
            return Done;
        }
        catch (LoadException exception)
        {
            if (exception.InnerException is { } inner)
                HostLog.Write(LogLevel.Error, Border.ToText(load->Name), HostLog.TextOf(inner));
            return Refuse(why, exception.Message);
        }
        catch (Exception exception)
        {
            return Refuse(why, HostLog.TextOf(exception));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Start(nint handle, byte* why)
    {
        try
        {
            ModuleOf(handle).Start();
            return Done;
        }
        catch (Exception exception)
        {
            ModuleOf(handle).Host.Log.Write(LogLevel.Error, "OnStart failed", exception);
            return Refuse(why, $"OnStart failed: {ModuleOf(handle).Explain(exception)}");
        }
    }

    /// <summary>
    /// Compiled when it is first called: what was compiled ahead would never be replaced here, as
    /// it is behind every other method, and takes longer.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OnMessage(nint handle, NativeMessage* message)
    {
        try
        {
            ModuleOf(handle).Receive(message);
        }
        catch (Exception exception)
        {
            HostLog.Write(LogLevel.Critical, null, HostLog.TextOf(exception));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Stop(nint handle, int isReload)
    {
        try
        {
            ModuleOf(handle).Stop(isReload != 0);
        }
        catch (Exception exception)
        {
            HostLog.Write(LogLevel.Critical, null, HostLog.TextOf(exception));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Unload(nint handle, NativeUnload* spec, byte* why)
    {
        try
        {
            WeakReference context = Release(handle);
            Unloading unloading = new()
            {
                Context = context,
                WantsExplanation = spec->WantsExplanation != 0,
                OnGone = new GoneCall(spec->Host).Call,
            };
            if (Unloader.WaitForEnd(unloading) is not { } holder)
                return Done;
            Border.Put(
                string.Join('\n', unloading.Explanation),
                new Span<byte>(spec->Explanation, NativeUnload.ExplanationBytes));
            return Refuse(why, holder);
        }
        catch (Exception exception)
        {
            return Refuse(why, HostLog.TextOf(exception));
        }
    }

    /// <summary>Beside a call that is under way: of another thread, and never for long.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void BeginStop(nint handle)
    {
        try
        {
            ModuleOf(handle).Host.BeginStopping();
        }
        catch (Exception exception)
        {
            HostLog.Write(LogLevel.Critical, null, HostLog.TextOf(exception));
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Configure(nint handle, byte* config, byte* why)
    {
        try
        {
            return ModuleOf(handle).Configure(Border.ToText(config))
                ? Done
                : Refuse(why, "it does not take another Config over while it runs");
        }
        catch (Exception exception)
        {
            ModuleOf(handle).Host.Log.Write(LogLevel.Error, "OnConfigure failed", exception);
            return Refuse(why, $"OnConfigure failed: {HostLog.Describe(exception)}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ManagedModule ModuleOf(nint handle) =>
        GCHandle<ManagedModule>.FromIntPtr(handle).Target;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Release(nint handle)
    {
        WeakReference context = ModuleOf(handle).Release();
        GCHandle<ManagedModule>.FromIntPtr(handle).Dispose();
        return context;
    }

    private static int Refuse(byte* why, string text)
    {
        Border.Put(text, new Span<byte>(why, Border.WhyBytes));
        return Refused;
    }
}
